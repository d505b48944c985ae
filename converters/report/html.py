"""The report as one HTML page: it works without a network, on a phone, and in dark mode.

Nothing is fetched: style, curves and crops are inside. "There is nothing" and "it is not known" are
written out, and never look like 0 %.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from backend.guarantee.words import percent, percent_up
from backend.label_studio import explanations
from backend.page.lines import Judgement, Verdict
from backend.sheets import work_words
from backend.sheets.made_annotations import Made
from backend.text.differences import differences
from converters.paddleocr import dictionaries
from converters.report import family_words
from converters.report.comparison import Decision
from converters.report.report import Report
from converters.report.samples import SampleLine
from converters.report.sheet_lines import SHOWN
from converters.report.totals import LineTotals
from converters.report.worth import SHOWN as WRONG_SHOWN
from converters.shared.line_pictures import CropImage, differing
from converters.shared.plots import Curve, Plot, plot
from converters.shared.rates import ErrorRate, Interval, Share
from converters.shared.templating import template

NO_LINES = "no lines yet"
NOT_KNOWN = "not known"
PAGE_REVIEW = "page review"
FLATTERS = "it flatters: filled-in text passes with one key"
"""Of the share of agreed lines that people left as they were; what an audit says is the figure to go by."""


Crops = Mapping[int, CropImage | str]
"""By `id` of a `SampleLine`: its crop, or a sentence why there is none."""


def page(
    report: Report,
    title: str,
    crops: Crops,
    names: Mapping[str, str] | None = None,
    *,
    from_file: bool = False,
) -> str:
    """Write the report as HTML; the same report gives the same text.

    Args:
        report: what was counted.
        title: what it is about, such as the project's name.
        crops: of the lines that are shown.
        names: annotators' names by id, where they are known.
        from_file: the tasks come from an export file.
    """

    def person(user: str) -> str:
        return (names or {}).get(user) or (f"annotator {user}" if user else "not told")

    step, steps = report.over_time()
    sheets = report.sheets
    filled = template(
        "report.html.j2",
        share=share,
        percent=percent,
        percent_up=percent_up,
        interval=interval,
        rate=rate,
        edits=edits,
        seconds=seconds,
        person=person,
        task_called=task_called,
        named=character_names,
    )
    return filled.render(
        worth=report.worth,
        worth_said=list(worth_said(report)),
        wrong_shown=WRONG_SHOWN,
        sheets=sheets,
        sheets_said=[] if sheets is None else list(work_words.sentences(sheets.work)),
        verdicts=work_words.VERDICTS,
        unseen=unseen(report),
        families=family_words.shown(report.families),
        family_words=family_words,
        cost=report.call_cost,
        flatters=FLATTERS,
        beside=beside(report),
        shown=SHOWN,
        share_of=Share,
        unknown=unknown_predictions(report.all.unknown, from_file=from_file),
        report=report,
        title=title,
        all=report.all,
        readers=report.readers(),
        spared=report.spared(),
        confusions=report.top_confusions(),
        step=step,
        plots=plots(steps),
        steps=steps,
        crops=crops,
        key=id,
        differing=differing,
        Decision=Decision,
        in_words=in_words,
        missing=sorted({crop for crop in crops.values() if isinstance(crop, str)}),
    )


def unknown_predictions(lines: int, *, from_file: bool) -> str:
    """How many lines are in no comparison, and why.

    Args:
        lines: whose prediction is not known.
        from_file: the tasks come from an export file, most of which leave predictions out.
    """
    why = (
        "Label Studio's export files mostly leave predictions out: run the report with --project."
        if from_file
        else "The work began without one, or with one that was deleted since."
    )
    return f"Of {lines:,} lines the prediction is not known, so they are in no comparison. {why}"


def unseen(report: Report) -> list[str]:
    """How many lines that count as approved nobody looked at, and why, a sentence each."""
    every, made = report.all, report.made
    if not made.total():
        return []
    pages = []
    if made[Made.SHEETS]:
        pages.append(f"{made[Made.SHEETS]:,} pages were completed from sheets alone")
    if made[Made.ACCEPTED]:
        pages.append(f"{made[Made.ACCEPTED]:,} agreed pages were accepted unseen")
    return [
        f"Nobody looked at {every.unseen:,} of {every.lines:,} lines: {' and '.join(pages)}. Whether these "
        "lines are right, and whether lines are missing on these pages, is not known: of all rates they are "
        "only in the share of lines that arrived ready.",
    ]


def worth_said(report: Report) -> Iterator[tuple[str, bool]]:
    """What the agreed lines are worth, a sentence each, and whether it is bad news."""
    if report.worth is not None:
        yield from report.worth.sentences()
    else:
        yield "Not known: an export file holds no audits. Run the report with --project.", False


def beside(report: Report) -> list[tuple[str, str, str, str]]:
    """Page review and sheets: the way, what was done, lines in doubt, the time for one of them."""
    every, sheets = report.all, report.sheets
    pages = len(every.doubtful_paces)
    pace = median(every.doubtful_paces) if pages else None
    rows = []
    if pace is not None:
        rows.append((PAGE_REVIEW, f"{pages:,} pages", f"{every.doubtful:,}", f"{pace:.1f} s"))
    if sheets is not None and sheets.work.seconds_per_line is not None:
        work = sheets.work
        timed = sum(person.timed for person in work.people.values())
        rows.append(("sheets", f"{len(work.paces):,} sheets", f"{timed:,}", f"{work.seconds_per_line:.1f} s"))
    return rows


def sample_lines(report: Report) -> list[SampleLine]:
    """Every line that the page shows with its crop, each once."""
    listed: list[SampleLine] = [*report.wrong, *report.random, *report.worst]
    listed += report.worth.samples() if report.worth is not None else []
    listed += report.sheets.samples() if report.sheets is not None else []
    for confusion, _, _ in report.top_confusions():
        listed += report.examples[confusion]
    return list({id(line): line for line in listed}.values())


def share(one: Share, unknown: int = 0, digits: int = 1) -> str:
    """A share in percent; of nothing, whether there is nothing or nothing is known.

    Args:
        one: the share.
        unknown: lines of the same group of which it cannot be known.
        digits: after the point.
    """
    if one.value is None:
        return NOT_KNOWN if unknown else NO_LINES
    return f"{100 * one.value:.{digits}f} %"


def rate(one: ErrorRate, unknown: int = 0) -> str:
    """A character error rate in percent, or why there is none.

    Args:
        one: the rate.
        unknown: lines of the same group of which it cannot be known.
    """
    if one.value is None:
        return NOT_KNOWN if unknown else NO_LINES
    return f"{100 * one.value:.2f} %"


def edits(tally: LineTotals) -> str:
    """Characters that people edited of a line, or why that is not known."""
    found = tally.prefilled.edits_per_line
    if found is None:
        return NOT_KNOWN if tally.hidden else NO_LINES
    return f"{found:.2f}"


def interval(pair: Interval | None, digits: int = 1) -> str:
    """The interval of a share or rate; empty where there is none."""
    return "" if pair is None else f"{100 * pair[0]:.{digits}f} to {100 * pair[1]:.{digits}f} %"


def seconds(tally: LineTotals) -> str:
    """The time for a line: the middle one of all pages, which a long break does not move."""
    pace = tally.summary()["seconds_per_line_median"]
    if pace is None:
        return NOT_KNOWN if tally.lines else NO_LINES
    return f"{pace:.1f} s"


def task_called(name: str) -> str:
    """A task by its number; one that has none has a name made of its data."""
    return f"task {name}" if name.lstrip("-").isdecimal() else name


def character_names(text: str) -> str:
    """A short text's characters by name, for those that nobody can tell apart by eye."""
    return "; ".join(dictionaries.character_name(char) for char in unicodedata.normalize("NFC", text)[:4])


def in_words(predicted: str, approved: str) -> str:
    """What differs, in words, because look-alikes cannot be told apart by eye.

    Args:
        predicted: the text that was filled in; of an empty one nothing is said.
        approved: the text that a person approved.
    """
    reasons = differences(predicted, approved)
    return explanations.explain(Judgement(Verdict.DISPUTED, "", 0.0, reasons), [], "en") if predicted else ""


def plots(steps: Sequence[tuple[datetime, LineTotals]]) -> list[Plot]:
    """The curves; none for a single step."""
    if len(steps) < 2:
        return []
    moments = [moment for moment, _ in steps]

    def shares(name: str, of: Callable[[LineTotals], Any]) -> Curve:
        found = [of(tally) for _, tally in steps]
        return Curve(name, [one.value for one in found], [one.interval for one in found])

    pace = [median(tally.paces) if tally.paces else None for _, tally in steps]
    drawn = [
        (
            "Lines that arrived ready, and how many of those were right",
            [shares("arrived ready", lambda tally: tally.agreed), shares("right", lambda tally: tally.right)],
            True,
        ),
        ("Character error rate of the filled-in text",
         [shares("CER", lambda tally: tally.prefilled)], True),
        ("Seconds per line", [Curve("seconds", pace, [None] * len(pace))], False),
    ]  # fmt: skip
    return [
        plot(title, moments, curves, percent=percent)
        for title, curves, percent in drawn
        if any(value is not None for curve in curves for value in curve.values)
    ]
