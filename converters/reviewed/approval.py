"""The export's rules for which annotation of a task counts, and why another does not; pure.

They choose among what counts for every command (`backend.label_studio.annotations`): submitted and not
cancelled. `is_labeled` and `origin` prove nothing, `ground_truth` only that somebody pressed a star; a
draft or a prediction was submitted by nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend.errors import BadRequest
from backend.label_studio.annotations import (
    Json,
    changed_at,
    is_cancelled,
    is_readable,
    latest,
    listed_annotations,
    user_of,
)
from converters.reviewed.reasons import AnnotationReason, TaskReason


@dataclass(frozen=True, slots=True)
class Approval:
    """The rule by which one annotation of a task counts.

    rule: "latest" (changed last), "ground-truth" (of those with the star, the latest), "agreeing" (the
        latest, and of it only the lines that another annotator has, too), "by" (the latest of `user`).
    user: id, or e-mail address where the export holds it.
    """

    rule: Literal["latest", "ground-truth", "agreeing", "by"] = "latest"
    user: str = ""

    @classmethod
    def parse(cls, text: str) -> Approval:
        """Read `latest`, `ground-truth`, `agreeing` or `by USER`.

        Raises:
            BadRequest: it is none of these.
        """
        rule, _, user = text.strip().partition(" ")
        if rule == "by" and user.strip():
            return cls("by", user.strip())
        if not user:
            if rule == "latest":
                return cls("latest")
            if rule == "ground-truth":
                return cls("ground-truth")
            if rule == "agreeing":
                return cls("agreeing")
        raise BadRequest(
            f"{text!r} is no rule for which annotation counts: write latest, ground-truth, agreeing, or "
            "'by USER' with a user's id or e-mail address.",
            rule=text,
        )

    def __str__(self) -> str:
        return f"by {self.user}" if self.rule == "by" else self.rule


LATEST = Approval()
"""The usual rule."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The annotation of a task that counts, or why there is none.

    annotation: as it stands in the export.
    witnesses: annotations of other users, for the rule "agreeing".
    others: why each of the others does not count.
    """

    annotation: Json | None
    why: TaskReason | None = None
    witnesses: tuple[Json, ...] = ()
    others: tuple[AnnotationReason, ...] = ()


def choose(task: Json, approval: Approval) -> Choice:
    """Choose the annotation that counts.

    Args:
        task: as it stands in an export or in an answer of Label Studio.
        approval: the rule.
    """
    annotations = listed_annotations(task)
    if annotations is None:
        return Choice(None, TaskReason.NOT_READABLE)
    fit: dict[int, Json] = {}
    reasons: dict[int, AnnotationReason] = {}
    for number, annotation in enumerate(annotations):
        why = _why_not(annotation, approval)
        if why is not None:
            reasons[number] = why
        elif isinstance(annotation, dict):
            fit[number] = annotation
    chosen = latest(fit.values())
    if chosen is None:
        return Choice(None, _nothing(task, list(reasons.values())), (), tuple(reasons.values()))
    second: dict[str, int] = {}
    for number, annotation in sorted(fit.items(), key=lambda item: changed_at(item[1])):
        if annotation is not chosen:
            reasons[number] = AnnotationReason.OLDER
            if approval.rule == "agreeing" and user_of(annotation) != user_of(chosen):
                second[user_of(annotation)] = number
    for number in second.values():
        reasons[number] = AnnotationReason.SECOND_OPINION
    return Choice(
        chosen,
        None,
        tuple(fit[number] for number in sorted(second.values())),
        tuple(why for _, why in sorted(reasons.items(), key=lambda item: item[0])),
    )


def _why_not(annotation: object, approval: Approval) -> AnnotationReason | None:
    """Why an annotation does not count by the rule, whatever the others are."""
    if not isinstance(annotation, dict) or not is_readable(annotation):
        return AnnotationReason.NOT_READABLE
    if is_cancelled(annotation):
        return AnnotationReason.CANCELLED
    if approval.rule == "ground-truth" and annotation.get("ground_truth") is not True:
        return AnnotationReason.NOT_GROUND_TRUTH
    if approval.rule == "by":
        user = annotation.get("completed_by")
        email = user.get("email") if isinstance(user, dict) else None
        names = {user_of(annotation), str(email or "").casefold()} - {""}
        if approval.user.casefold() not in names:
            return AnnotationReason.NOT_BY_USER
    return None


def _nothing(task: Json, reasons: Sequence[AnnotationReason]) -> TaskReason:
    """Why no annotation of a task counts: the reason nearest to counting."""
    for reason, why in (
        (AnnotationReason.NOT_GROUND_TRUTH, TaskReason.NOT_GROUND_TRUTH),
        (AnnotationReason.NOT_BY_USER, TaskReason.NOT_BY_USER),
        (AnnotationReason.CANCELLED, TaskReason.CANCELLED),
        (AnnotationReason.NOT_READABLE, TaskReason.NOT_READABLE),
    ):
        if reason in reasons:
            return why
    if task.get("drafts"):
        return TaskReason.ONLY_DRAFTS
    return TaskReason.ONLY_PREDICTIONS if task.get("predictions") else TaskReason.NOT_ANNOTATED
