"""`twinread evaluate` as people run it."""

from __future__ import annotations

import io
import json

import pytest
from click.testing import CliRunner
from rich.console import Console

from backend.commands.cli import twinread
from backend.errors import BadRequest, OperatorError
from converters.evaluation.command import run
from converters.evaluation.options import EvaluateRequest


def request(model, dataset, **more):
    return EvaluateRequest(str(model), dataset, **more)


def said(request, settings):
    console = Console(file=io.StringIO(), width=200, highlight=False)
    judged = run(request, settings, console)
    return judged, console.file.getvalue()


def test_a_trained_model_is_evaluated_compared_and_written_down(dataset, settings, mixed_up, tmp_path):
    files = {
        "html": tmp_path / "page.html",
        "json": tmp_path / "all.json",
        "summary_json": tmp_path / "some.json",
    }
    asked = request(mixed_up, dataset, against=("current", "stock", "readings"), **files)
    judged, printed = said(asked, settings)

    lines = len(judged.evaluation.results)
    assert printed.startswith(f"{judged.evaluation.identity} on {lines} lines of {lines // 2} pages of test")
    assert "e read as a" in printed
    assert "stock is current, so it is not compared again." in printed
    assert "the new model no longer reads 2 of these" in printed
    assert "No longer read: Q W" in printed

    summary = json.loads(files["summary_json"].read_text("utf-8"))
    assert summary["figures"]["all"]["lines"] == lines
    assert [one["name"] for one in summary["against"]] == [
        "current", "first reading", "second reading", "filled in",
    ]  # fmt: skip
    assert [one["character"] for one in summary["forgetting"]["forgotten"]] == ["Q", "W"]
    whole = json.loads(files["json"].read_text("utf-8"))
    assert {key: value for key, value in whole.items() if key != "lines"} == summary
    first, result = whole["lines"][0], judged.evaluation.results[0]
    assert (first["truth"], first["read"], first["edits"]) == (result.truth, result.read, result.edits)
    assert first["against"][1] == result.truth
    assert files["html"].read_text("utf-8").count("<h1>") == 1


def test_paddleocrs_own_model_has_nothing_to_forget(dataset, settings):
    judged, printed = said(request("stock", dataset, against=("stock",)), settings)
    assert judged.forgetting is None
    assert judged.comparisons == ()
    assert "What a model forgot was not tested: this is PP-OCRv6_small_rec itself." in printed
    assert "stock is this model, so it is not compared again." in printed


def test_readings_are_of_no_one_model(dataset, settings):
    judged, printed = said(request("readings", dataset), settings)
    assert judged.evaluation.figures.all.exact.value == 1
    assert "readings are of no one model" in printed


def test_two_options_that_name_one_file_are_refused(dataset, settings, tmp_path):
    same = tmp_path / "a"
    with pytest.raises(BadRequest, match="name the same file"):
        said(request("stock", dataset, html=same, json=same), settings)


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path, settings):
    with pytest.raises(OperatorError, match="nothing was begun"):
        said(request("stock", tmp_path / "no dataset", html=tmp_path / "nowhere" / "a.html"), settings)


def test_another_model_that_there_is_not_is_refused_before_a_line_is_read(dataset, settings):
    console = Console(file=io.StringIO())
    with pytest.raises(BadRequest, match="nonsense is no folder of a model"):
        run(request("stock", dataset, against=("readings", "nonsense")), settings, console)
    assert console.file.getvalue() == ""


def test_the_command_gives_its_arguments_on(dataset, tmp_path):
    arguments = [
        "evaluate",
        "readings",
        str(dataset),
        "--part",
        "train",
        "--summary-json",
        str(tmp_path / "s.json"),
    ]
    done = CliRunner().invoke(twinread, arguments)
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert (summary["part"], summary["language"]) == ("train", "en")


def test_a_language_that_there_is_not_is_refused(dataset):
    done = CliRunner().invoke(twinread, ["evaluate", "stock", str(dataset), "--language", "klingonese"])
    assert isinstance(done.exception, Exception)
    assert "is no language whose letters twinread knows" in str(done.exception)
