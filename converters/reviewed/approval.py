"""Which annotation of a task counts, and why another does not; pure.

Approved is an annotation that was submitted and not cancelled. `is_labeled` and `origin` prove nothing,
`ground_truth` only that somebody pressed a star; a draft or a prediction was submitted by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from backend.errors import BadRequest
from converters.reviewed.reasons import AnnotationReason, TaskReason

Json = Mapping[str, Any]
"""An object as it stands in an export."""


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
    # before version 1 Label Studio called them completions, in a shape of their own
    listed = task.get("annotations") or task.get("completions") or []
    if not isinstance(listed, list) or ("annotations" not in task and listed):
        return Choice(None, TaskReason.NOT_READABLE)
    annotations = listed
    fates: list[AnnotationReason | None] = [_unfit(annotation, approval) for annotation in annotations]
    fit = [number for number, fate in enumerate(fates) if fate is None]
    if not fit:
        return Choice(None, _nothing(task, fates), (), tuple(fate for fate in fates if fate))
    chosen = max(fit, key=lambda number: (_age(annotations[number]), number))
    author = user_of(annotations[chosen])
    witnesses: dict[str, int] = {}
    for number in sorted(fit, key=lambda number: (_age(annotations[number]), number)):
        if number != chosen:
            fates[number] = AnnotationReason.OLDER
            if approval.rule == "agreeing" and user_of(annotations[number]) != author:
                witnesses[user_of(annotations[number])] = number
    for number in witnesses.values():
        fates[number] = AnnotationReason.SECOND_OPINION
    return Choice(
        annotations[chosen],
        None,
        tuple(annotations[number] for number in sorted(witnesses.values())),
        tuple(fate for number, fate in enumerate(fates) if number != chosen and fate),
    )


def user_of(annotation: Json) -> str:
    """The id of who made an annotation; empty where it is not told."""
    user = annotation.get("completed_by")
    user = user.get("id") if isinstance(user, dict) else user
    return "" if user is None else str(user)


def moment_of(written: object) -> datetime:
    """A time as Label Studio writes it; the beginning of time where it cannot be read."""
    try:
        moment = datetime.fromisoformat(str(written).replace("Z", "+00:00"))
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def prediction_of(task: Json, annotation: Json) -> Json | None:
    """The prediction that an annotator began with; None where the export does not hold it.

    Label Studio's exports hold predictions as ids; the full parent stands in the annotation at times,
    and in the task where it was read through the API. Without a word of a parent the newest
    prediction that was there before the annotation is taken.
    """
    parent = annotation.get("prediction")
    if isinstance(parent, dict) and isinstance(parent.get("result"), list):
        return parent
    listed = task.get("predictions")
    known = [
        prediction
        for prediction in (listed if isinstance(listed, list) else [])
        if isinstance(prediction, dict) and isinstance(prediction.get("result"), list)
    ]
    named = annotation.get("parent_prediction")
    if named is not None:
        return next((prediction for prediction in known if prediction.get("id") == named), None)
    began = moment_of(annotation.get("created_at"))
    before = [p for p in known if moment_of(p.get("created_at")) <= began]
    return max(before, key=lambda p: moment_of(p.get("created_at")), default=None)


def _unfit(annotation: object, approval: Approval) -> AnnotationReason | None:
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
        return AnnotationReason.NOT_READABLE
    # anything but a plain "no" is taken for a skipped one: exporting it would be the worse mistake
    if annotation.get("was_cancelled") not in (False, None):
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


def _nothing(task: Json, fates: Sequence[AnnotationReason | None]) -> TaskReason:
    """Why no annotation of a task counts; the reason nearest to counting is told."""
    for fate, why in (
        (AnnotationReason.NOT_GROUND_TRUTH, TaskReason.NOT_GROUND_TRUTH),
        (AnnotationReason.NOT_BY_USER, TaskReason.NOT_BY_USER),
        (AnnotationReason.CANCELLED, TaskReason.CANCELLED),
        (AnnotationReason.NOT_READABLE, TaskReason.NOT_READABLE),
    ):
        if fate in fates:
            return why
    if task.get("drafts"):
        return TaskReason.ONLY_DRAFTS
    return TaskReason.ONLY_PREDICTIONS if task.get("predictions") else TaskReason.NOT_ANNOTATED


def _age(annotation: Json) -> datetime:
    return moment_of(annotation.get("updated_at") or annotation.get("created_at"))
