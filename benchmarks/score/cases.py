"""Recorded lines as panels of the product would judge them: evidence for each text, and if it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backend.page.lines import Reading
from backend.page.print_quality import PrintQuality
from backend.text import house_style
from backend.text.cleaning import visible_text
from backend.text.comparison import Comparison, compare
from backend.text.probability import Case, Evidence, LineFacts, agreed_evidence, disputed_evidence
from backend.text.verdicts import differences
from benchmarks.score.collect import RecordedLine, RecordedReading

Seat = tuple[str, int]
"""A reader of a panel: its family, and which one of that."""

TESSERACT, PADDLE = "Tesseract", "PP-OCR"


@dataclass(frozen=True, slots=True)
class PanelKind:
    """Who reads: in order of trust, witnesses behind them."""

    name: str
    seats: tuple[Seat, ...]
    witnesses: tuple[Seat, ...] = ()


PANELS: Final = (
    PanelKind("Tesseract twice", ((TESSERACT, 0), (TESSERACT, 1))),
    PanelKind("Tesseract + PP-OCR", ((TESSERACT, 0), (PADDLE, 0))),
    PanelKind("PP-OCR + Tesseract", ((PADDLE, 0), (TESSERACT, 0))),
    PanelKind("PP-OCR twice", ((PADDLE, 0), (PADDLE, 1))),
    PanelKind("PP-OCR twice, Tesseract as witness", ((PADDLE, 0), (PADDLE, 1)), ((TESSERACT, 0),)),
    PanelKind("Tesseract twice, PP-OCR as witness", ((TESSERACT, 0), (TESSERACT, 1)), ((PADDLE, 0),)),
)


@dataclass(frozen=True, slots=True)
class Option:
    """One text of a line that might be filled in."""

    text: str
    evidence: Evidence
    right: bool


@dataclass(frozen=True, slots=True)
class LineCase:
    """A line as one panel sees it.

    group: its page, of which all lines are fitted or all are tested.
    options: of an agreed line one; of a disputed one every reading with text, in their order.
    """

    group: str
    kind: str
    language: str
    panel: str
    case: Case
    options: tuple[Option, ...]
    comparison: Comparison


def cases_of(
    lines: Sequence[RecordedLine], panels: Sequence[PanelKind] = PANELS, *, silent: bool = False
) -> Iterator[LineCase]:
    """Every line under every panel whose readers all read it.

    Args:
        lines: as recorded.
        panels: who reads.
        silent: take the readers' own scores and names away: what is left is what an engine deserves that
        nobody
            measured.
    """
    for line in lines:
        known = {(reading.family, reading.turn): reading for reading in line.readings}
        for panel in panels:
            seats = (*panel.seats, *panel.witnesses)
            if all(seat in known for seat in seats):
                made = _case(line, panel, [known[seat] for seat in seats], silent=silent)
                if made is not None:
                    yield made


def _case(
    line: RecordedLine, panel: PanelKind, said: Sequence[RecordedReading], *, silent: bool
) -> LineCase | None:
    readings = [Reading(f"{one.family} {one.turn}", one.text, None if silent else one.score) for one in said]
    families = {f"{one.family} {one.turn}": f"quiet {one.family}" if silent else one.family for one in said}
    comparison = compare(
        readings,
        crop_size=line.size,
        language=line.language,
        must_agree=None,
        prompts=(),
        families=families,
        style="house",
        ink_length=line.ink,
        witnesses=[f"{family} {turn}" for family, turn in panel.witnesses],
    )
    if not comparison.voting:
        return None
    facts = LineFacts(line.size, line.line_score, PrintQuality(*line.quality))
    if comparison.agreed:
        text = comparison.agreeing[0].text
        others = [each.text for each in comparison.agreeing if each.text != text]
        unsettled = len(differences(text, others[0])) if others else 0
        evidence = agreed_evidence(
            comparison.supporters, comparison.against(comparison.supporters), unsettled, facts
        )
        options = [Option(text, evidence, is_right(text, line.truth))]
    else:
        options = [
            Option(
                each.text,
                disputed_evidence(each, comparison.candidates, comparison.readings, line.language, facts),
                is_right(each.text, line.truth),
            )
            for each in comparison.different
        ]
    case: Case = "agreed" if comparison.agreed else "disputed"
    return LineCase(line.page, line.kind, line.language, panel.name, case, tuple(options), comparison)


def is_right(text: str, truth: str) -> bool:
    """By the equality of verdicts: marks that the house rule settles are no error."""
    return house_style.folded(visible_text(text)) == house_style.folded(visible_text(truth))
