"""The end of a run: predictions that nobody needs are removed, and people hear how many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.bulk.removal import older_versions, prune, remove_copies
from backend.errors import LabelStudioFailed
from backend.label_studio.client import LabelStudio


@dataclass(slots=True)
class Tidied:
    """What was removed at the end.

    copies: surplus copies of the present version.
    outdated: predictions of older versions.
    sentences: the same for people.
    failure: why not all was removed that should be; None where it was.
    """

    copies: int = 0
    outdated: int = 0
    sentences: list[str] = field(default_factory=list)
    failure: LabelStudioFailed | None = None


def tidied_up(
    api: LabelStudio, project: int, version: str, say: Callable[[str], object], *, older: bool
) -> Tidied:
    """Remove predictions that nobody needs; a failure of Label Studio is given back with what was done.

    Args:
        api: Label Studio.
        project: the id of the project.
        version: the present model version.
        say: tells a person how far it is.
        older: also predictions of older versions.
    """
    tidied = Tidied()
    try:
        tidied.copies = remove_copies(api, project, version)
        if tidied.copies:
            tidied.sentences.append(
                f"Removed {tidied.copies:,} surplus copies: these pages were read elsewhere, too."
            )
        if older:
            _prune(api, project, version, say, tidied)
    except LabelStudioFailed as error:
        tidied.failure = error
    return tidied


def _prune(
    api: LabelStudio, project: int, version: str, say: Callable[[str], object], tidied: Tidied
) -> None:
    older = older_versions(api, project, version)
    if not older:
        tidied.sentences.append("There are no predictions of older versions to remove.")
        return
    most, named = sum(older.values()), f"{len(older)} older version{'s' if len(older) > 1 else ''}"
    say(
        f"Removing up to {most:,} predictions of {named}. What people's work began with stays, and so does "
        "what fills a page that lacks the present version."
    )
    tidied.outdated = prune(api, project, version, _each_thousand(say, most))
    kept = most - tidied.outdated
    tidied.sentences.append(
        f"Removed {tidied.outdated:,} of {most:,} predictions of {named}, and kept {kept:,}."
    )


def _each_thousand(say: Callable[[str], object], most: int) -> Callable[[int], None]:
    """Says now and then how far a removal is."""

    def heard(removed: int) -> None:
        if removed % 1000 == 0:
            say(f"{removed:,} of up to {most:,} removed.")

    return heard
