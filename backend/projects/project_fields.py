"""The settings that twinread gives a project, which of them it may write, and how it says so.

A field is written where nobody has decided it: it is empty, it holds a text that twinread wrote, or the
project is new and the field has the value that Label Studio gives every new project. What a person set is
kept and shown beside twinread's value, until that person asks for twinread's.
"""

from __future__ import annotations

import difflib
import hashlib
import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from backend.label_studio.config_versions import language_written
from backend.label_studio.labeling_config import LabelNames
from backend.label_studio.message_language import MessageLanguage

ALL = "all"
CONFIG = "config"
INSTRUCTIONS = "instructions"
SAMPLING = "sampling"
EMPTY_PAGES = "empty-pages"
PREDICTIONS = "predictions"

PARTS = (ALL, CONFIG, INSTRUCTIONS, SAMPLING, EMPTY_PAGES, PREDICTIONS)
"""What `--update` can be asked to put in place of the project's own."""

EVER_WRITTEN: Mapping[str, MessageLanguage] = {
    "8eb1bb0b1cb47885": "en",
    "10a68b59ad23591b": "ru",
    "8c69ede28e79613c": "en",
    "74c8c8343591ae5a": "ru",
    "f82faa66a4519483": "en",
    "e7eee43f8e6eeea2": "ru",
    "e05e9a5591469b51": "en",
    "28e61ed25e60ab4b": "ru",
    "bbcc721dbbd3db53": "en",
    "07eb0819a71691f5": "ru",
}
"""The digest of every text of instructions that any twinread wrote, oldest first, and its language.

A text that is no longer written stays here: projects have it, and nobody but us wrote it. Add, never replace.
"""

SHOWN_LINES = 24
"""Lines of a difference that are shown."""


@dataclass(frozen=True, slots=True)
class ProjectField:
    """One setting of a project, as twinread wants it.

    name: in Label Studio's API.
    part: what `--update` calls it.
    title: what Label Studio's settings call it.
    initial: its value in a project that Label Studio has just made.
    value: twinread's.
    reason: why, as the end of a sentence.
    """

    name: str
    part: str
    title: str
    initial: object
    value: object
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the fields of a project.

    writes: the value of each field to be written, by its name in the API.
    changes: a sentence for each of them.
    kept: a sentence for each field that a person set otherwise.
    """

    writes: dict[str, Any]
    changes: tuple[str, ...]
    kept: tuple[str, ...]


def instructions(language: MessageLanguage) -> str:
    """The instructions for annotators, as HTML."""
    return files("backend.projects").joinpath("instructions").joinpath(f"{language}.html").read_text("utf-8")


def digest(text: str) -> str:
    """What a text of instructions is recognised by, whatever Label Studio does to its blanks and escapes."""
    return hashlib.sha256(" ".join(html.unescape(text).split()).encode()).hexdigest()[:16]


def project_fields(language: MessageLanguage) -> tuple[ProjectField, ...]:
    """What twinread sets in a project beside the labeling config: the rows of docs/team-lead.md."""
    return (
        ProjectField(
            "enable_empty_annotation",
            EMPTY_PAGES,
            "Allow empty annotations",
            True,
            False,
            "Ctrl+Enter on a page without predictions would store an empty page",
        ),
        ProjectField(
            "show_collab_predictions",
            PREDICTIONS,
            "Use predictions to prelabel tasks",
            True,
            True,
            "pages open with the boxes and texts that were read",
        ),
        ProjectField(
            "expert_instruction",
            INSTRUCTIONS,
            "Labeling instructions",
            "",
            instructions(language),
            "they list the keys of the review",
        ),
        ProjectField(
            "show_instruction",
            INSTRUCTIONS,
            "Show before labeling",
            False,
            True,
            "the keys are on the screen when somebody begins",
        ),
        ProjectField(
            "sampling",
            SAMPLING,
            "Task sampling",
            "Sequential sampling",
            "Uncertainty sampling",
            "the most doubtful page comes first",
        ),
    )


def language_of(project: Mapping[str, Any], names: LabelNames) -> MessageLanguage | None:
    """The language of the labeling config or instructions that twinread gave a project; None for neither."""
    instructions_written = EVER_WRITTEN.get(digest(str(project.get("expert_instruction") or "")))
    return language_written(str(project.get("label_config") or ""), names) or instructions_written


def plan(
    project: Mapping[str, Any], fields: Sequence[ProjectField], *, untouched: bool, update: Collection[str]
) -> Plan:
    """Decide which fields of an existing project are written.

    Args:
        project: as Label Studio shows it.
        fields: what twinread wants.
        untouched: nobody annotated anything yet and twinread was never connected, so that values which
            Label Studio gives every new project are nobody's choice.
        update: the parts that a person asked to have replaced.
    """
    writes: dict[str, Any] = {}
    changes, kept = [], []
    theirs: set[str] = set()
    for field in fields:
        now = project.get(field.name)
        # who keeps instructions of their own also decides whether they are shown at the start
        if now == field.value or field.part in theirs:
            continue
        if field.part in update or ALL in update or _is_nobodys(field, now, untouched=untouched):
            writes[field.name] = field.value
            changes.append(_changed(field, now))
        else:
            theirs.add(field.part)
            kept.append(_kept(field, now))
    return Plan(writes, tuple(changes), tuple(kept))


def _is_nobodys(field: ProjectField, now: object, *, untouched: bool) -> bool:
    if field.name == "expert_instruction":
        return not str(now or "").strip() or digest(str(now)) in EVER_WRITTEN
    return now is None or (untouched and now == field.initial)


def _changed(field: ProjectField, before: object) -> str:
    if isinstance(field.value, bool):
        return f"Switched {'on' if field.value else 'off'} '{field.title}': {field.reason}."
    if field.part == INSTRUCTIONS:
        if not str(before or "").strip() or digest(str(before)) in EVER_WRITTEN:
            return f"Wrote '{field.title}': {field.reason}."
        # in full and with its markup, so that it can be put back
        return f"Wrote '{field.title}' in place of the project's own, which were:\n{before}"
    return f"Set '{field.title}' to '{field.value}' (it was '{before}'): {field.reason}."


def _kept(field: ProjectField, now: object) -> str:
    ask = f"To have twinread's, run this again with --update {field.part}."
    if isinstance(field.value, bool):
        here, ours = ("on", "off") if now else ("off", "on")
        return f"Kept '{field.title}' {here}; twinread would switch it {ours}: {field.reason}. {ask}"
    if field.part == INSTRUCTIONS:
        return (
            f"Kept the project's own '{field.title}'. {ask} The difference (- the project's, + twinread's):\n"
            + _indented(difference(str(now), str(field.value)))
        )
    return f"Kept '{field.title}' at '{now}'; twinread's is '{field.value}': {field.reason}. {ask}"


def difference(here: str, ours: str) -> list[str]:
    """The lines that differ between two texts of instructions, without their markup."""
    compared = difflib.ndiff(_visible_lines(here), _visible_lines(ours))
    return [line for line in compared if line.startswith(("- ", "+ "))]


def _visible_lines(text: str) -> list[str]:
    """The lines of a text of instructions as people see them."""
    broken = re.sub(r"(?i)<br\b[^>]*>|</(?:p|h\d|li|tr|div|table|ul|ol)>", "\n", text)
    plain = html.unescape(re.sub(r"<[^>]*>", " ", broken))
    return [" ".join(line.split()) for line in plain.splitlines() if line.strip()]


def _indented(lines: Sequence[str]) -> str:
    more = [f"... {len(lines) - SHOWN_LINES} more lines"] if len(lines) > SHOWN_LINES else []
    return "\n".join(f"    {line}" for line in [*lines[:SHOWN_LINES], *more])
