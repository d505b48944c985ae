"""The line project beside a page project: found by a mark in its description, made where there is none.

What a team sets in it is kept. Its labeling config follows twinread's, but for one that people changed: the
mark holds the digest of what was written, and the choices that later runs and `status` go by:

    [twinread lines of project 3: keyboard=ru sample=0.05 config=8eb1bb0b1cb4]
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from backend.errors import BadRequest, ProjectError
from backend.label_studio.client import LabelStudio
from backend.label_studio.message_language import MessageLanguage
from backend.sheets.keys import KEYBOARDS, Keyboard, keyboard_of
from backend.sheets.sheet_config import instructions, sheet_config

LONGEST_TITLE = 50
"""Characters of a project's title that Label Studio keeps."""

_MARK = re.compile(r"\[twinread lines of project (\d+)((?:: [^\]]*)?)\]")
_TITLES: Mapping[MessageLanguage, str] = {"en": "lines", "ru": "строки"}
_DESCRIPTIONS: Mapping[MessageLanguage, str] = {
    "en": "Doubtful lines of project {0}, on sheets. twinread finds this project by the next line:",
    "ru": "Спорные строки проекта {0}, на листах. По следующей строке twinread узнаёт этот проект:",
}
_ANSWERS = 'name="verdict_{{idx}}"'
"""Stands in every labeling config that sheets can be answered with."""


@dataclass(frozen=True, slots=True)
class LineProject:
    """A line project.

    project: its id.
    pages: the id of the page project.
    keyboard: what is printed on the annotators' keys.
    sample: the share of pages that go to page review, 0 to 1.
    annotators: how many people are asked about each sheet.
    config: the digest of the labeling config that twinread wrote; empty where a person wrote it.
    """

    project: int
    pages: int
    keyboard: Keyboard
    sample: float
    annotators: int = 1
    config: str = ""

    @property
    def mark(self) -> str:
        """What it is found by."""
        written = f" config={self.config}" if self.config else ""
        return (
            f"[twinread lines of project {self.pages}: keyboard={self.keyboard} "
            f"sample={self.sample:g}{written}]"
        )


@dataclass(frozen=True, slots=True)
class LineProjectSpec:
    """The line project that should be.

    pages: the id of the page project.
    project: the id of the line project; None finds it by its mark, or makes it.
    annotators: how many people are asked about each sheet; None leaves it, 1 in a new project.
    keyboard: what is printed on the annotators' keys; None leaves it, that of `messages` in a new project.
    sample: the share of pages that go to page review; None leaves it.
    first_sample: the same for a project that says nothing yet.
    languages: of the pages, for the palette of rare letters.
    messages: the language that annotators are spoken to in.
    """

    pages: int
    messages: MessageLanguage
    first_sample: float
    project: int | None = None
    annotators: int | None = None
    keyboard: Keyboard | None = None
    sample: float | None = None
    languages: Collection[str] = ()


def find_line_project(api: LabelStudio, pages: int, project: int | None = None) -> LineProject | None:
    """The line project of a page project.

    Args:
        api: Label Studio.
        pages: the id of the page project.
        project: the id of the line project, where a person named it.

    Returns:
        The oldest one with the mark; None where there is none.

    Raises:
        BadRequest: the named project belongs to other pages, or is no line project.
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    if project is not None:
        shown = api.project(project)
        found = read_mark(shown)
        if found is None or found.pages != pages:
            raise _no_line_project(shown, pages, found)
        return found
    marked = [found for row in api.projects() if (found := read_mark(row)) and found.pages == pages]
    oldest = min(marked, key=lambda each: each.project, default=None)
    # the list of projects may leave fields out
    return oldest and read_mark(api.project(oldest.project))


def check_page_project(api: LabelStudio, project: int) -> None:
    """Refuse a line project that was given for its pages.

    Raises:
        BadRequest: the project holds sheets.
        LabelStudioFailed: Label Studio is out of reach, or has no such project.
    """
    found = read_mark(api.project(project))
    if found is not None:
        raise BadRequest(
            f"Project {project} holds the sheets of project {found.pages}, not pages. Give --project "
            f"{found.pages}."
        )


def read_mark(project: Mapping[str, Any]) -> LineProject | None:
    """What a project's description says; None for one that is no line project.

    Args:
        project: as Label Studio shows it.
    """
    found = _MARK.search(str(project.get("description") or ""))
    if found is None:
        return None
    said = dict(part.split("=", 1) for part in found[2].removeprefix(":").split() if "=" in part)
    keyboard = next((each for each in KEYBOARDS if each == said.get("keyboard")), KEYBOARDS[0])
    return LineProject(
        project=int(project["id"]),
        pages=int(found[1]),
        keyboard=keyboard,
        sample=_share(said.get("sample", "0")),
        annotators=int(project.get("maximum_annotations") or 1),
        config=said.get("config", ""),
    )


def prepare_line_project(api: LabelStudio, spec: LineProjectSpec) -> tuple[LineProject, list[str]]:
    """Find the line project, bring it up to date, or make it.

    Args:
        api: Label Studio.
        spec: what should be.

    Returns:
        The project, and a sentence for each thing that was changed or kept.

    Raises:
        BadRequest: the named project belongs to other pages, or is no line project.
        ProjectError: people changed its labeling config so that sheets cannot be answered with it.
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    found = find_line_project(api, spec.pages, spec.project)
    if found is not None:
        return _updated(api, found, spec)
    made = _made(api, spec)
    # somebody on another machine may have made one at the same moment: both take the older one
    oldest = find_line_project(api, spec.pages)
    if oldest is not None and oldest.project < made.project:
        api.delete_project(made.project)
        return _updated(api, oldest, spec)
    said = f"Made line project {made.project} beside project {spec.pages}"
    people = f", each sheet for {made.annotators} people" if made.annotators > 1 else ""
    return made, [f"{said}{people}."]


def _made(api: LabelStudio, spec: LineProjectSpec) -> LineProject:
    config = sheet_config(spec.languages, spec.messages).strip()
    wanted = LineProject(
        project=0,
        pages=spec.pages,
        keyboard=spec.keyboard or keyboard_of(spec.messages),
        sample=spec.first_sample if spec.sample is None else spec.sample,
        annotators=spec.annotators or 1,
        config=_digest(config),
    )
    added = f": {_TITLES[spec.messages]}"
    title = str(api.project(spec.pages).get("title") or f"Project {spec.pages}")
    made = api.create_project(
        title=title[: LONGEST_TITLE - len(added)] + added,
        description=f"{_DESCRIPTIONS[spec.messages].format(spec.pages)}\n{wanted.mark}",
        label_config=config,
        expert_instruction=instructions(spec.messages, wanted.keyboard),
        show_instruction=True,
        # the most doubtful page first is the order in which sheets are imported
        sampling="Sequential sampling",
        # else Ctrl+Enter on a sheet without an answer does nothing, and says nothing
        enable_empty_annotation=True,
        show_skip_button=False,
        maximum_annotations=wanted.annotators,
        overlap_cohort_percentage=100,
    )
    return replace(wanted, project=int(made["id"]))


def _updated(api: LabelStudio, found: LineProject, spec: LineProjectSpec) -> tuple[LineProject, list[str]]:
    """Write what was asked for and what nobody but twinread wrote."""
    shown = api.project(found.project)
    changes: list[str] = []
    writes: dict[str, Any] = {}
    now = str(shown.get("label_config") or "").strip()
    config = sheet_config(spec.languages, spec.messages).strip()
    wanted = replace(
        found,
        keyboard=spec.keyboard or found.keyboard,
        sample=found.sample if spec.sample is None else spec.sample,
        annotators=spec.annotators or found.annotators,
    )
    if now != config:
        if found.config == _digest(now):
            writes["label_config"] = config
            wanted = replace(wanted, config=_digest(config))
            changes.append("Brought its labeling config up to date.")
        elif _ANSWERS not in now:
            raise ProjectError(
                f"The labeling config of line project {found.project} was changed and has no {_ANSWERS} any "
                "more, so no sheet could be answered. Put that back, or delete the project: another is made."
            )
        else:
            changes.append("Kept the labeling config that your team changed; twinread's is another.")
    if wanted.annotators != found.annotators:
        writes |= {"maximum_annotations": wanted.annotators, "overlap_cohort_percentage": 100}
        changes.append(f"Each sheet is for {wanted.annotators} people now (it was {found.annotators}).")
    if wanted.mark != found.mark:
        description = str(shown.get("description") or "")
        writes["description"] = _MARK.sub(lambda _: wanted.mark, description, count=1)
    if writes:
        api.update_project(found.project, **writes)
    return wanted, changes


def _no_line_project(shown: Mapping[str, Any], pages: int, found: LineProject | None) -> BadRequest:
    number = shown["id"]
    what = (
        f"is the line project of project {found.pages}"
        if found
        else "is no line project: the mark is missing from its description"
    )
    return BadRequest(
        f"Project {number} {what}, so no lines of project {pages} were put into it. Leave --lines-project "
        "out, and the right one is found or made."
    )


def _digest(config: str) -> str:
    return hashlib.sha256(config.encode()).hexdigest()[:12]


def _share(written: str) -> float:
    """A share as it stands in a mark; 0 for what is none."""
    try:
        share = float(written)
    except ValueError:
        return 0.0
    return share if math.isfinite(share) and 0 <= share <= 1 else 0.0
