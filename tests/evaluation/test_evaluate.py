"""Models that read a dataset: whom a name stands for, what is read, and what is put beside it."""

from __future__ import annotations

import json
import shutil

import pytest

from backend.errors import BadRequest, ReaderUnavailable, SettingsWrong
from backend.models.promoted import PromotedModel, Promotions
from backend.page.lines import Reading
from converters.evaluation.evaluate import compare, evaluate, stored_readings
from converters.evaluation.evaluation import compared
from converters.evaluation.line_results import LabelledLine, read_rows
from converters.evaluation.models import folder_of, open_base, open_model, trained_pages
from converters.evaluation.rows import read_part
from tests.evaluation.lines import line
from tests.parts.scripted import ScriptedReader


@pytest.fixture(scope="module")
def stock(dataset, settings):
    return evaluate("stock", dataset, settings=settings)


def test_paddleocrs_own_model_reads_drawn_lines(stock):
    assert stock.identity == "PP-OCRv6_small_rec"
    assert stock.figures.all.cer.value < 0.05
    assert [one.truth for one in stock.results] == [one.truth for one in read_part_of(stock).lines]
    assert stock.notes == ()


def test_of_a_stand_in_for_paddleocrs_own_model_the_notes_say_so(settings):
    large = settings.model_copy(update={"recognition_model": "PP-OCRv5_server_rec"})
    with open_model("stock", "zh", large) as opened:
        assert opened.notes == (
            "PP-OCRv5_server_rec is not on this machine, so stock is PP-OCRv5_mobile_rec instead.",
        )


def test_a_trained_model_is_held_against_the_model_that_it_began_with(mixed_up, settings):
    """PaddleOCR's own reader of English is another one, and knows characters that this one never knew."""
    with open_model(str(mixed_up), "en", settings) as new, open_base(new, "en", settings) as base:
        assert new.identity.startswith("PP-OCRv5_mobile_rec@")
        assert base.identity == "PP-OCRv5_mobile_rec"


def read_part_of(evaluation):
    from pathlib import Path

    return read_part(Path(evaluation.dataset), evaluation.part)


def test_a_folder_of_ones_own_is_judged_by_what_it_reads(stock, dataset, settings, mixed_up):
    lines = read_part(dataset, "test")
    seen = []
    found = evaluate(mixed_up, dataset, settings=settings, lines=lines, done=seen.append)
    assert found.identity.startswith("PP-OCRv5_mobile_rec@")
    assert sum(seen) == len(lines.lines)
    # it writes a for e, and nothing else is another
    assert [one.read for one in found.results] == [one.read.replace("e", "a") for one in stock.results]
    confusion, count = found.confusions[0]
    assert (confusion.truth, confusion.read) == ("e", "a")
    assert count == sum(one.truth.count("e") for one in found.results)

    (beside,) = compare(found, "stock", lines, settings=settings)
    assert (beside.name, beside.identity) == ("stock", stock.identity)
    assert beside.old == stock.results
    assert beside.difference.low > 0
    assert beside.exact[0] > beside.exact[1]
    assert beside.lost[0][0].read == beside.lost[0][1].truth


def test_a_model_without_letters_of_the_language_is_judged_and_the_lack_is_said(dataset, settings, mixed_up):
    found = evaluate(mixed_up, dataset, settings=settings)
    assert "lacks 1 letters of 'en' (e), so the backend would refuse it." in found.notes[0]
    assert "mixed-up does not say which pages it was trained on" in found.notes[1]


def test_stock_that_cannot_write_the_language_shows_where_a_training_begins(dataset, settings):
    with open_model("stock", "ru", settings) as opened:
        assert opened.identity == "PP-OCRv5_mobile_rec"
        assert "letters of 'ru', so twinread itself would not let it read" in opened.notes[0]


def test_stored_readings_are_compared_each_with_the_lines_that_have_it(dataset, settings, stock):
    first, second, filled_in = compare(stock, "readings", read_part(dataset, "test"), settings=settings)
    assert [one.name for one in (first, second, filled_in)] == [
        "first reading",
        "second reading",
        "filled in",
    ]
    assert (first.identity, second.identity) == ("reader 0", "reader 1")
    assert first.difference.cer_old == 0
    wrong = sum(one.truth.count("o") for one in stock.results)
    assert sum(one.edits for one in second.old) == wrong > 0
    assert evaluate("readings", dataset, settings=settings).figures.all.cer.value == 0


def test_a_line_that_a_reader_could_not_read_is_no_error_of_it(tmp_path):
    def labelled(number, *readings):
        return LabelledLine("1", f"{number}.png", tmp_path, "one", readings=readings)

    lines = [
        labelled(1, Reading("a", "one"), Reading("b", error="no answer")),
        labelled(2, Reading("a", ""), Reading("b", "one")),
        labelled(3),
    ]
    found = {name: [one.read for one in results] for name, _, results in stored_readings(lines)}
    assert found == {"first reading": ["one", ""], "second reading": ["one"]}


def test_lines_that_only_one_has_are_not_compared_and_that_is_said():
    new = [line("one", "one", crop="1.png"), line("two", "two", crop="2.png")]
    found = compared(new, [line("two", "too", crop="2.png")], "first reading", "reader 0")
    assert [one.crop for one in found.new] == ["2.png"]
    assert found.notes == ("first reading: 1 of 2 lines have no reading of it and are not compared.",)
    assert compared(new, [], "stock", "x") is None


def test_a_dataset_without_readings_cannot_be_compared_with_them(dataset, settings, stock, tmp_path):
    bare = shutil.copytree(dataset, tmp_path / "bare")
    (bare / "manifest.jsonl").unlink()
    with pytest.raises(BadRequest, match="holds no readings of its lines"):
        compare(stock, "readings", read_part(bare, "test"), settings=settings)
    with pytest.raises(BadRequest, match="so there is no reading to evaluate"):
        evaluate("readings", bare, settings=settings)


def test_a_reader_that_fails_on_one_line_gives_no_figures(dataset):
    lines = read_part(dataset, "test").lines
    reader = ScriptedReader(
        "one",
        lambda number: Reading("one", error="no answer in 60 s.") if number == 3 else Reading("one", "x"),
    )
    with pytest.raises(ReaderUnavailable, match=f"could not read {lines[3].crop}: no answer in 60 s"):
        read_rows(reader, lines)


def test_results_are_in_order_with_more_lines_than_are_read_at_once(dataset):
    lines = list(read_part(dataset, "test").lines) * 20
    counted = []
    found = read_rows(
        ScriptedReader("one", lambda number: Reading("one", str(number))), lines, counted.append
    )
    assert [one.read for one in found] == [str(number) for number in range(len(lines))]
    assert [one.crop for one in found] == [one.crop for one in lines]
    assert (sum(counted), counted[0]) == (len(lines), 64)


def test_current_is_the_folder_of_the_settings_then_the_promoted_model_then_paddleocrs_own(
    settings, mixed_up, tmp_path
):
    def named(**values):
        return settings.model_copy(update={"cache_dir": tmp_path, **values})

    (tmp_path / "models").mkdir()
    assert folder_of("current", "en", named()) is None
    model = PromotedModel(
        mixed_up, "01234567", "PP-OCRv5_mobile_rec", ("en",), "2026-11-26T10:00:00+00:00", "rule", "better"
    )
    Promotions.under(tmp_path).promote(model)
    assert folder_of("current", "en", named()) == mixed_up
    assert folder_of("current", "ru", named()) is None, "it was promoted for another language"
    assert folder_of("current", "en", named(recognition_model_dir=tmp_path)) == tmp_path
    assert folder_of("stock", "en", named(recognition_model_dir=tmp_path)) is None


@pytest.mark.parametrize("content", [None, "{", '{"trained_pages": 7}', "{}"])
def test_pages_of_a_training_that_nobody_wrote_down_are_not_known(tmp_path, content):
    if content is not None:
        (tmp_path / "model.json").write_text(content, "utf-8")
    assert trained_pages(tmp_path) is None


def test_a_model_that_saw_the_pages_is_said_to_be_too_good(dataset, settings, mixed_up, tmp_path):
    folder = shutil.copytree(mixed_up, tmp_path / "seen")
    lines = read_part(dataset, "test")
    (folder / "model.json").write_text(
        json.dumps({"trained_pages": [*sorted(lines.pages)[:2], "99"]}), "utf-8"
    )
    found = evaluate(folder, dataset, settings=settings, lines=lines)
    assert f"2 of the {len(lines.pages)} pages were used in the training of seen" in found.notes[-1]


def test_what_is_no_model_is_refused_before_a_line_is_read(dataset, settings, tmp_path):
    with pytest.raises(BadRequest, match="is no folder of a model"):
        evaluate(tmp_path / "nowhere", dataset, settings=settings)
    with pytest.raises(SettingsWrong, match="is no exported PaddleOCR model"):
        evaluate(tmp_path, dataset, settings=settings)
