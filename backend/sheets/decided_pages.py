"""A page's prediction with what people decided on sheets, as the annotation of a page review; pure.

A line whose text was decided gets the label for text, and that text; an illegible one and what is no text get
their labels, and no text. Where a config has no such label, an illegible line is left without a text and what
is no text is removed, as a person would do. Everything else stays as it was predicted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from backend.label_studio.annotations import Json
from backend.label_studio.config_tags import Labels
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.region_notes import KEY, Decided, accepted_meta, decided_meta, with_note
from backend.label_studio.regions import Region, regions
from backend.label_studio.result_fields import name_in, value_of
from backend.sheets.decisions import Decision, LineVerdict
from backend.sheets.made_annotations import MADE, Made, marked, unmarked
from backend.sheets.sheet_tasks import SheetLine

_SHAPE = ("x", "y", "width", "height", "rotation", "points", "closed")


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """An annotation as it is sent to Label Studio.

    parent_prediction: the id of the prediction that it is made of.
    lead_time: seconds; None where none was measured.
    completed_by: the id of the user whose work it is; None leaves it to the owner of the key.
    """

    result: list[dict[str, Any]]
    parent_prediction: int
    lead_time: float | None
    completed_by: int | None

    @property
    def fields(self) -> dict[str, Any]:
        """What is sent beside the result."""
        fields = {
            "parent_prediction": self.parent_prediction,
            "lead_time": self.lead_time,
            "completed_by": self.completed_by,
        }
        return {name: value for name, value in fields.items() if value is not None}


def decided_page(
    prediction: Json,
    chosen: Sequence[tuple[SheetLine, Decision, tuple[str, ...]]],
    config: LabelingConfig,
    blind: Sequence[tuple[SheetLine, Decision]] = (),
    kept: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
) -> NewAnnotation:
    """The annotation of a page whose doubtful lines are all decided.

    Args:
        prediction: of the page, as Label Studio has it.
        chosen: for each doubtful line the answer that stands for it, and who else answered the same.
        config: the page project's.
        blind: what people typed of agreed lines without seeing their text.
        kept: agreed lines that stay as they stand in an annotation of before, by the ids of their regions.
    """
    parts = _parts(prediction, chosen, config)
    first = [part for own in parts.values() for part in own]
    rest = [part for part in prediction["result"] if name_in(part, "id") not in parts]
    measured = [decision.seconds for _, decision, _ in chosen if decision.seconds is not None]
    seconds = round(sum(measured), 3) if measured else None
    result = first + _with_blind(rest, prediction, blind, kept, config)
    return NewAnnotation(
        result=marked(result, Made.SHEETS, seconds) if result else [],
        parent_prediction=int(prediction["id"]),
        lead_time=seconds,
        completed_by=_person([decision for _, decision, _ in chosen]),
    )


def accepted_page(
    prediction: Json,
    user: int,
    config: LabelingConfig,
    blind: Sequence[tuple[SheetLine, Decision]] = (),
    kept: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
) -> NewAnnotation:
    """The annotation of a page without doubtful lines that is accepted as it was read.

    Args:
        prediction: of the page, as Label Studio has it.
        user: the id of who accepts.
        config: the page project's.
        blind: what people typed of its lines without seeing their text.
        kept: lines that stay as they stand in an annotation of before, by the ids of their regions.
    """
    result = _with_blind(_accepted(prediction["result"], user), prediction, blind, kept, config)
    return NewAnnotation(
        result=marked(result, Made.ACCEPTED) if result else [],
        parent_prediction=int(prediction["id"]),
        lead_time=None,
        completed_by=user,
    )


def with_blind_lines(
    existing: Json, prediction: Json, blind: Sequence[tuple[SheetLine, Decision]], config: LabelingConfig
) -> NewAnnotation:
    """An annotation that twinread made of sheets, with what people typed blind; all else stays as it stands.

    Args:
        existing: that annotation.
        prediction: that it is made of.
        blind: what people typed of agreed lines without seeing their text.
        config: the page project's.
    """
    result = _with_blind(unmarked(existing["result"]), prediction, blind, {}, config)
    seconds = existing.get("lead_time")
    return NewAnnotation(
        result=marked(result, Made.SHEETS, seconds) if result else [],
        parent_prediction=int(prediction["id"]),
        lead_time=seconds,
        completed_by=None,
    )


def says_the_same(stored: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> bool:
    """Whether two results of one page say the same of every line, by the same people.

    Seconds, and where on sheets a line was answered, may differ: a sheet that was opened again is no other
    answer.
    """
    return [_essence(part) for part in stored] == [_essence(part) for part in new]


def _parts(
    prediction: Json,
    chosen: Iterable[tuple[SheetLine, Decision, tuple[str, ...]]],
    config: LabelingConfig,
) -> dict[str, list[dict[str, Any]]]:
    """The results of regions as they are after the decisions, by their ids."""
    found = {region.id: region for region in regions(prediction["result"])}
    parts: dict[str, list[dict[str, Any]]] = {}
    for line, decision, others in chosen:
        region = found[line.key.region]
        own = _decided(region, decision, config.on_page(line.page))
        parts[region.id] = with_note(region.id, own, _note(decision, others)) if own else []
    return parts


def _with_blind(
    result: Iterable[object],
    prediction: Json,
    blind: Iterable[tuple[SheetLine, Decision]],
    kept: Mapping[str, Sequence[Mapping[str, Any]]],
    config: LabelingConfig,
) -> list[dict[str, Any]]:
    """A result in which audited lines are as people typed them, each at its place."""
    parts = _parts(prediction, ((line, decision, ()) for line, decision in blind), config)
    parts |= {region: [dict(part) for part in own] for region, own in kept.items()}
    written: list[dict[str, Any]] = []
    placed: set[str] = set()
    for part in (each for each in result if isinstance(each, dict)):
        identity = name_in(part, "id")
        if identity not in parts:
            written.append(dict(part))
        elif identity not in placed:
            placed.add(identity)
            written += parts[identity]
    return written


def _accepted(result: Sequence[object], user: int) -> list[dict[str, Any]]:
    """A prediction's result, in which each line says that nobody looked at it."""
    noted: list[dict[str, Any]] = []
    named = {""}
    for part in (each for each in result if isinstance(each, dict)):
        identity = name_in(part, "id")
        if identity in named:
            noted.append(dict(part))
        else:
            named.add(identity)
            noted += with_note(identity, [part], accepted_meta(str(user)))
    return noted


def _decided(region: Region, decision: Decision, config: LabelingConfig) -> list[dict[str, Any]]:
    """A region's results as they are after the decision; none where the region is to be removed."""
    labels = config.labels_of(region.from_name)
    label = _label(decision.verdict, labels)
    if label is None:
        return []
    texts = [part for part in region.results if name_in(part, "type") == "textarea"]
    lines = [part for part in texts if name_in(part, "from_name") not in config.other_texts]
    others = [part for part in region.results if not any(part is line for line in lines)]
    relabelled = [_relabelled(part, labels, label) for part in others]
    if not decision.text:
        return relabelled
    if lines:
        made = {**lines[0], "value": {**value_of(lines[0]), "text": [decision.text]}}
    else:
        first = region.results[0]
        shape = {name: value for name, value in value_of(first).items() if name in _SHAPE}
        made = {name: value for name, value in first.items() if name != "meta"}
        made |= {"type": "textarea", "value": {**shape, "text": [decision.text]}}
    return [*relabelled, {**made, "from_name": config.text_name}]


def _label(verdict: LineVerdict, labels: Labels) -> str | None:
    """The label that a verdict gives a line; None where the line is to be removed."""
    if verdict is LineVerdict.NOT_TEXT:
        return labels.not_text
    return (labels.illegible or labels.text) if verdict is LineVerdict.ILLEGIBLE else labels.text


def _relabelled(part: Mapping[str, Any], labels: Labels, label: str) -> dict[str, Any]:
    """A result with another label in place of those that say how ready the line is."""
    value = value_of(part)
    states = {labels.text, labels.check, labels.illegible, labels.not_text}
    changed = {
        key: [label, *(each for each in given if each not in states)]
        for key, given in value.items()
        if str(key).endswith("labels") and isinstance(given, list)
    }
    return {**part, "value": {**value, **changed}} if changed else dict(part)


def _note(decision: Decision, others: tuple[str, ...]) -> dict[str, Any]:
    seconds = None if decision.seconds is None else round(decision.seconds, 3)
    return decided_meta(
        Decided(decision.verdict.value, decision.user, decision.sheet, decision.annotation, seconds, others)
    )


def _person(decisions: Sequence[Decision]) -> int | None:
    """Who decided most; of several who decided as many, the one of the lowest id."""
    counted = Counter(int(each.user) for each in decisions if each.user.isdecimal())
    return min(counted, key=lambda user: (-counted[user], user), default=None)


def _essence(part: Mapping[str, Any]) -> dict[str, Any]:
    meta = part.get("meta")
    own = meta.get(KEY) if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(own, dict):
        return dict(part)
    note = own.get("decided")
    said = {name: note.get(name) for name in ("verdict", "by", "with")} if isinstance(note, dict) else None
    plain = {name: value for name, value in own.items() if name not in ("decided", MADE)}
    return {**part, "meta": {**meta, KEY: {**plain, "decided": said}}}
