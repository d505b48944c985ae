"""A report in a few lines on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from backend.outputs import printable
from backend.sheets import work_words
from backend.sheets.lot_claims import wrong_line
from converters.report import family_words, html
from converters.report.report import Report
from converters.report.sheet_lines import SheetLines
from converters.report.worth import AgreedWorth
from converters.shared.rates import Interval

WRONG = 10
"""Audited lines that were wrong and that are printed; the page has more, the summary all."""

DISAGREEMENTS = 10
"""Lines about which people disagree that are printed; the page has more, the summary all."""


def tell(
    report: Report, console: Console, names: Mapping[str, str] | None = None, *, from_file: bool
) -> None:
    """Print the report in a few lines.

    Args:
        report: what was counted.
        console: where to print.
        names: annotators' names by id, where they are known.
        from_file: the tasks come from an export file, most of which leave predictions out.
    """
    every = report.all
    share, rate = html.share, html.rate
    words = [("tasks", f"{every.tasks:,} with submitted work")]
    words += [("left out", f"{count:,} ({why.value})") for why, count in report.left_out_by_reason()]
    words += [
        ("together", f"{report.items_read:,} items read"),
        ("lines", f"{every.lines:,}"),
        (
            "arrived ready",
            _with_interval(share(every.agreed, every.unknown), every.agreed.interval),
        ),
        (
            "of those kept",
            _with_interval(share(every.right, every.hidden), every.right.interval)
            + (f"; {html.FLATTERS}" if every.right.of else ""),
        ),
        (
            "CER filled in",
            _with_interval(rate(every.prefilled, every.hidden), every.prefilled.interval, 2),
        ),
    ]
    spared = report.spared()
    for (version, letter), (read, _) in report.readers().items():
        cer = _with_interval(rate(read), read.interval, 2)
        less = spared.get((version, letter))
        words.append((f"CER reader {letter}", f"{cer}{f'; {less}' if less else ''}   {version}"))
    words.append(("edits per line", html.edits(every)))
    words.append(("time per line", html.seconds(every)))
    for name, value in words:
        console.print(f"{name:>15}  {printable(value)}", markup=False)
    for sentence, bad in html.worth_said(report):
        console.print(printable(sentence), markup=False, style="red" if bad else None)
    if report.worth is not None:
        _tell_wrong(report.worth, console)
    _tell_families(report, console)
    for direction, count in report.directions.items():
        console.print(f"{count:,} boxes: {direction.value}.", markup=False)
    for sentence in html.unseen(report):
        console.print(sentence, markup=False, style="yellow")
    if report.sheets is not None:
        _tell_sheets(report.sheets, console, names or {})
        for way, done, _, time in html.beside(report):
            if way == html.PAGE_REVIEW:
                console.print(
                    f"A line in doubt takes {time} in page review, the middle of {done}; there people look "
                    "at the whole page.",
                    markup=False,
                )
    if every.unknown:
        console.print(html.unknown_predictions(every.unknown, from_file=from_file), markup=False)


def _tell_families(report: Report, console: Console) -> None:
    """What panels were worth in the version with the most lines, and what others would have been."""
    for version, worth in family_words.shown(report.families)[:1]:
        console.print(
            f"Who reads, by {worth.lines:,} lines of {version or 'an unknown version'}:", markup=False
        )
        for each in worth.choices():
            agreed = html.share(each.agreed)
            right = _with_interval(html.share(each.right), each.right.interval)
            money = "" if report.call_cost is None else report.call_cost.of(1000 * each.calls)
            calls = f"{each.calls:.2f} calls a line{f', {money} for 1,000 lines' if money else ''}"
            words = family_words.choice_in_words(each)
            console.print(f"  {words}: agree on {agreed}, of these right {right}; {calls}", markup=False)
        console.print(f"{family_words.FLATTERS} {family_words.blind_in_words(worth)}", markup=False)


def _tell_wrong(worth: AgreedWorth, console: Console) -> None:
    for each in worth.wrong[:WRONG]:
        console.print(f"  {printable(wrong_line(each.audited))}", markup=False)
    if (more := len(worth.wrong) - WRONG) > 0:
        console.print(f"  ... and {more:,} more audited lines that were wrong; the page shows them.")


def _tell_sheets(sheets: SheetLines, console: Console, names: Mapping[str, str]) -> None:
    for sentence in work_words.sentences(sheets.work):
        console.print(printable(sentence), markup=False)
    for each in sheets.disputed[:DISAGREEMENTS]:
        settled = "open" if each.settled is None else f"the page says {each.settled}"
        said = work_words.disagreement(each.disagreement, names)
        console.print(printable(f"  {said}; {settled}"), markup=False)
    if (more := len(sheets.disputed) - DISAGREEMENTS) > 0:
        console.print(f"  ... and {more:,} more lines that were answered differently.")


def _with_interval(figure: str, pair: Interval | None, digits: int = 1) -> str:
    return figure if pair is None else f"{figure} ({html.interval(pair, digits)})"
