"""A project's status for a terminal and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from backend.outputs import printable
from backend.projects.status import PageStage, Person, Status
from backend.readers.prices import Prices
from backend.readers.usage import Spending

NAMES = {
    PageStage.UNREAD: "unread",
    PageStage.DOUBTFUL: "doubtful",
    PageStage.AGREED: "agreed",
    PageStage.REVIEWED: "reviewed",
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
        "pages_with_drafts": status.drafts,
        "pages_by_prediction_version": dict(status.versions),
        "seconds_left": status.seconds_left,
        "people": [_person(names.get(user, f"user {user}"), who) for user, who in status.people.items()],
    }


def spending_table(spending: Sequence[Spending], prices: Prices, *, with_project: bool = False) -> Table:
    """What readers took of a server.

    Args:
        spending: by project and reader.
        prices: money is shown where they are known.
        with_project: name the project of each, too.
    """
    money = (f"{prices.currency} today", f"{prices.currency} in all") if prices.known else ()
    columns = ("reader", "calls", "tokens in", "of them cached", "tokens out", *money)
    table = Table(*(("project", *columns) if with_project else columns))
    for one in spending:
        usage = one.total
        row: list[str | Text] = [
            # never a string, which a table takes for markup
            Text(printable(one.reader)),
            f"{usage.calls:,}",
            f"{usage.input_tokens:,}",
            f"{usage.cached_tokens:,}",
            f"{usage.output_tokens:,}",
            *(f"{prices.cost(part) or 0.0:,.4f}" for part in (one.today, usage) if prices.known),
        ]
        table.add_row(*([one.project or "none", *row] if with_project else row))
    return table


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
