"""A witness reads along with two readings of one model: it is shown and weighed, and has no vote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from backend.label_studio import explanations
from backend.page import image_files
from backend.page.lines import Line, Page, Reading, ReadLine, ReasonKind, Verdict
from backend.pipeline.annotate import Panel, Policy, read_lines
from backend.pipeline.panels import Panels
from backend.settings.settings import Settings
from tests.parts.ernie_stand_in import Say, StandIn
from tests.parts.scripted import ScriptedReader, picture, quad

PLAIN, CHARACTERS, LOCAL = "ernie:plain", "ernie:characters", "engine"
KINDS, FAMILIES = ("ernie", "ernie", "paddle"), ("ERNIE", "ERNIE", "PP-OCR")


def panel_of(readers: Sequence[ScriptedReader], witnesses: int) -> Panel:
    return Panel(tuple(readers), "ru", Policy.majority(KINDS, FAMILIES, witnesses=witnesses))


def read(plain: str, characters: str, local: str, witnesses: int = 1) -> ReadLine:
    """A text in brackets is an error."""

    def reader(name: str, text: str) -> ScriptedReader:
        failed = text.startswith("[")
        return ScriptedReader(
            name, lambda _: Reading(name, error=text[1:-1]) if failed else Reading(name, text)
        )

    readers = [reader(PLAIN, plain), reader(CHARACTERS, characters), reader(LOCAL, local)]
    page = image_files.decode(picture(1), max_pixels=1_000_000)
    (line,) = read_lines(page, [Line(quad(20, 10, 250, 26))], panel_of(readers, witnesses))
    return line


@pytest.mark.parametrize(
    ("said", "verdict", "text"),
    [
        pytest.param(("Счёт", "Счёт", "Счёт"), Verdict.AGREED, "Счёт", id="it assents"),
        pytest.param(("Счёт", "Счёт", "Счет"), Verdict.AGREED, "Счёт", id="it dissents and outvotes nobody"),
        pytest.param(("Счёт", "Счёт", ""), Verdict.AGREED, "Счёт", id="it sees nothing"),
        pytest.param(("Счёт", "Счёт", "[broken]"), Verdict.AGREED, "Счёт", id="it fails"),
        pytest.param(("Счёт", "Счет", "Счёт"), Verdict.DISPUTED, "Счёт", id="it decides no dispute"),
        pytest.param(("Счёт", "[cut]", "Счёт"), Verdict.DISPUTED, "Счёт", id="it replaces no reading"),
        pytest.param(("", "", "Счёт"), Verdict.NO_TEXT, "", id="it alone sees text"),
    ],
)
def test_only_those_with_a_vote_decide(said: tuple[str, str, str], verdict: Verdict, text: str) -> None:
    line = read(*said)
    assert (line.judgement.verdict, line.judgement.text) == (verdict, text)
    assert [reading.reader for reading in line.readings][:1] == [PLAIN]


def test_its_dissent_lowers_the_score_and_its_assent_raises_it() -> None:
    assent, dissent = read("Счёт", "Счёт", "Счёт"), read("Счёт", "Счёт", "Счет")
    alone = read("Счёт", "Счёт", "[broken]")
    assert assent.judgement.score > alone.judgement.score >= dissent.judgement.score
    assert [reason.kind for reason in assent.judgement.reasons] == []


def test_its_dissent_is_shown_to_the_annotator() -> None:
    line = read("Счёт", "Счёт", "Счет")
    assert ReasonKind.DISSENT in {reason.kind for reason in line.judgement.reasons}
    told = explanations.explain(line.judgement, line.readings, "en").split("\n")
    assert told[:3] == ["A: Счёт", "B: Счёт", "C: Счет"]
    assert "C: reads otherwise" in told[3]


def test_with_a_vote_the_same_engine_disputes_the_line() -> None:
    assert read("Счёт", "Счёт", "Счет", witnesses=0).judgement.verdict is Verdict.DISPUTED


def test_a_witness_costs_no_call_of_the_server(tmp_path: Path) -> None:
    crop = np.full((40, 200, 3), 255, np.uint8)
    crop[10:30, 20:180:9] = 0
    page, lines = Page(np.vstack([crop] * 3)), [Line(quad(0, 40 * row, 200, 40)) for row in range(3)]
    calls, witnesses = {}, {}
    with StandIn(lambda asked: Say(f"Line {asked.number}")).running() as server:
        for witness in ("off", "auto"):
            settings = Settings(
                _env_file=None,  # type: ignore[call-arg]
                cache_dir=tmp_path,
                model_source="packages",
                ernie_base_url=server.base_url,  # type: ignore[arg-type]
                ernie_model=server.model,
                witness=witness,  # type: ignore[arg-type]
            )
            before = server.calls
            with Panels(settings, None) as panels:
                read_ = read_lines(page, lines, panels.panel("en"))
            calls[witness] = server.calls - before
            witnesses[witness] = [reading.reader for line in read_ for reading in line.readings[2:]]
    assert calls == {"off": 6, "auto": 6}
    assert witnesses == {"off": [], "auto": ["PP-OCRv6_small_rec"] * 3}
