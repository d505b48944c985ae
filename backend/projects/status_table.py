"""A project's status for a terminal and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from backend.outputs import printable
from backend.projects.status import PageStage, Person, Status
from backend.readers.prices import Prices
from backend.readers.usage import Spending, Usage

NAMES = {
    PageStage.UNREAD: "unread",
    PageStage.DOUBTFUL: "doubtful",
    PageStage.AGREED: "agreed",
    PageStage.REVIEWED: "reviewed",
    PageStage.FROM_SHEETS: "from sheets",
    PageStage.ACCEPTED: "accepted unseen",
    PageStage.SKIPPED: "skipped",
}


def tables(status: Status, names: Mapping[int, str]) -> list[Table]:
    """The pages and lines by state, and the people by pages.

    Args:
        status: of the project.
        names: of people, by user id.
    """
    states = Table("state", "pages", "lines")
    for state, name in NAMES.items():
        if state in (PageStage.FROM_SHEETS, PageStage.ACCEPTED) and not status.pages[state]:
            continue
        unknown = state in (PageStage.UNREAD, PageStage.SKIPPED)
        states.add_row(name, str(status.pages[state]), "" if unknown else str(status.lines[state]))
    states.add_row("all", str(status.pages.total()), str(status.lines.total()), end_section=True)
    if not status.people:
        return [states]
    people = Table("person", "pages", "lines", "s per page", "lines per hour", "last")
    for user, person in sorted(status.people.items(), key=lambda item: -item[1].pages):
        people.add_row(
            # never a string, which a table takes for markup: "[/]"@x.org is a valid address
            Text(printable(names.get(user, f"user {user}"))),
            str(person.pages),
            str(person.lines),
            _number(person.seconds_per_page),
            _number(person.lines_per_hour),
            f"{person.last:%Y-%m-%d %H:%M}" if person.last else "",
        )
    return [states, people]


def figures(status: Status, names: Mapping[int, str]) -> dict[str, Any]:
    """The same as plain values.

    Args:
        status: of the project.
        names: of people, by user id.
    """
    return {
        "pages": {name: status.pages[state] for state, name in NAMES.items()},
        "lines": {name: status.lines[state] for state, name in NAMES.items()},
        "undecided_lines": status.undecided,
        "lines_decided_on_sheets": status.on_sheets,
        "lines_nobody_looked_at": status.unseen,
        "pages_with_drafts": status.drafts,
        "pages_by_prediction_version": dict(status.versions),
        "seconds_left": status.seconds_left,
        "people": [_person(names.get(user, f"user {user}"), who) for user, who in status.people.items()],
    }


def spending_tables(spending: Sequence[Spending], prices: Prices) -> list[Table]:
    """What readers took of a server, a table for each project.

    Args:
        spending: by project and reader.
        prices: money is shown where they are known.
    """
    tables = []
    for project, of in groupby(spending, key=lambda one: one.project):
        name = f"for project {project}" if project else "for no project"
        table = Table(title=f"What reading took {name}", title_justify="left", box=SIMPLE_HEAD)
        # in a narrow terminal a name goes on in the next row, and no number is cut
        table.add_column("reader", overflow="fold")
        money = (f"{prices.currency}\ntoday", f"{prices.currency}\nin all") if prices.known else ()
        for figure in ("calls", "tokens\nin", "of them\ncached", "tokens\nout", *money):
            table.add_column(figure, justify="right", no_wrap=True)
        readers = list(of)
        for one in readers:
            # never a string, which a table takes for markup
            table.add_row(Text(printable(one.reader)), *_taken(one.today, one.total, prices))
        if len(readers) > 1:
            today = sum((one.today for one in readers), Usage())
            total = sum((one.total for one in readers), Usage())
            table.add_section()
            table.add_row("all", *_taken(today, total, prices))
        tables.append(table)
    return tables


def _taken(today: Usage, total: Usage, prices: Prices) -> list[str]:
    """The figures of one row."""
    money = (f"{prices.cost(part) or 0.0:,.4f}" for part in (today, total) if prices.known)
    tokens = (total.input_tokens, total.cached_tokens, total.output_tokens)
    return [f"{total.calls:,}", *(f"{number:,}" for number in tokens), *money]


def spending_notes(spending: Sequence[Spending], prices: Prices) -> list[str]:
    """What is to be known about the table, as sentences."""
    unmetered = sum(one.total.unmetered for one in spending)
    notes = []
    if unmetered:
        notes.append(f"{unmetered:,} answers did not say what they took: they are in no number of tokens.")
    if spending and not prices.known:
        notes.append("Set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE to see what it cost.")
    return notes


def _person(name: str, person: Person) -> dict[str, Any]:
    return {
        "name": name,
        "pages": person.pages,
        "lines": person.lines,
        "seconds_per_page": person.seconds_per_page,
        "lines_per_hour": person.lines_per_hour,
        "last": person.last.isoformat() if person.last else None,
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
