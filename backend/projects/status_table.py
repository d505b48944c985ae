"""A project's status for a terminal and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from backend.outputs import printable
from backend.projects.status import PageStage, Person, Status

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
