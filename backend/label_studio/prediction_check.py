"""Says before predictions are stored which of them Label Studio would drop, and why.

Its bulk import of predictions drops what does not fit the labeling config and tells only how many it
took; its import of tasks drops nothing, or refuses all tasks for one of them, as the server is set. The
judge is `LabelInterface` of its own SDK, which Label Studio asks, too: 0.6 s of CPU to import, hence late.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from xml.etree.ElementTree import Element

from backend.errors import BadRequest
from backend.label_studio.config_tags import root_of

FAULTS_SHOWN = 3
"""Faults of one prediction that its sentence names."""

VALUE_SHOWN = 160
"""Characters of a faulty value that a sentence shows."""

LABEL_TAGS = ("Label", "Choice", "Relation")
ATTRIBUTES = ("name", "toName", "value", "valueList")
"""What `LabelInterface` finds in this spelling alone; Label Studio's editor reads it in any case."""

UNJUDGED = "Nobody could look whether predictions fit the project's labeling config"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A prediction that Label Studio would drop.

    task: the task it is of; None where it does not say.
    sentence: which result of it does not fit, and why.
    """

    task: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class StoredPredictions:
    """What became of predictions: stored + dropped + left out = given.

    created: how many are stored.
    dropped: how many Label Studio dropped although they seemed to fit.
    left_out: those that it would have dropped, which were not sent.
    blind: why nobody could look for those; empty where somebody did.
    """

    created: int
    dropped: int = 0
    left_out: tuple[Misfit, ...] = ()
    blind: str = ""


class PredictionCheck:
    """Judges predictions by one labeling config."""

    def __init__(self, xml: str) -> None:
        self._xml = xml

    @property
    def blind(self) -> str:
        """Why predictions cannot be judged by this config, in one sentence; empty where they can.

        They then count as fitting: Label Studio's editor reads configs that its SDK does not.
        """
        return self._judge[1]

    def misfit(self, prediction: Mapping[str, Any]) -> str:
        """Why Label Studio would drop a prediction; empty where it fits or nobody can tell (`blind`)."""
        judge, _ = self._judge
        found = judge(prediction, return_errors=True) if judge is not None else []
        # a relation's faults come as a list of their own
        faults = [str(fault) for some in found for fault in ([some] if isinstance(some, str) else some)]
        result = prediction.get("result")
        parts = result if isinstance(result, list) else []
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        return "; ".join([*(_named(fault, parts) for fault in faults[:FAULTS_SHOWN]), *more])

    def parted(
        self, predictions: Sequence[Mapping[str, Any]]
    ) -> tuple[list[Mapping[str, Any]], tuple[Misfit, ...]]:
        """The predictions that fit, and why the others do not, each in order."""
        fit: list[Mapping[str, Any]] = []
        misfits = []
        for prediction in predictions:
            if why := self.misfit(prediction):
                task = prediction.get("task")
                misfits.append(Misfit(task, f"the prediction of task {task} does not fit the config: {why}"))
            else:
                fit.append(prediction)
        return fit, tuple(misfits)

    @cached_property
    def _judge(self) -> tuple[Callable[..., Any] | None, str]:
        """Who judges, or why nobody can."""
        from label_studio_sdk.label_interface.interface import LabelInterface

        try:
            if overlooked := _overlooked(root_of(self._xml)):
                return None, f"{UNJUDGED}: Label Studio's SDK overlooks {overlooked} in it."
            return LabelInterface(self._xml).validate_prediction, ""
        except BadRequest as error:
            return None, f"{UNJUDGED}: {error}"
        except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions here, and lxml's ValueError
            return None, f"{UNJUDGED}: Label Studio's SDK cannot read the labeling config ({error})."


def _overlooked(root: Element) -> str:
    """A tag or an attribute that `LabelInterface` does not find because of its spelling; empty for none."""
    for element in root.iter():
        if _misspelled(element.tag, LABEL_TAGS):
            return f"<{element.tag}>"
        for attribute, value in element.attrib.items():
            if _misspelled(attribute, ATTRIBUTES) or (attribute == "toName" and " " in value):
                return f'{attribute}="{value[:VALUE_SHOWN]}"'
    return ""


def _misspelled(name: str, spellings: Sequence[str]) -> bool:
    return name not in spellings and name.lower() in map(str.lower, spellings)


def _named(fault: str, result: Sequence[Any]) -> str:
    """A fault in the SDK's words, which count results from 0, with the result by its number and id."""
    words = " ".join(fault.split())
    long = re.search(r"Got: (.*)\. Valid options: ", words)
    if long and len(long[1]) > VALUE_SHOWN:
        words = words.replace(long[1], f"{long[1][:VALUE_SHOWN]}...", 1)
    found = re.match(r"(?:Region|Relation) (\d+): ", words)
    if found is None:
        return words
    place = int(found[1])
    part = result[place] if place < len(result) else None
    identity = f" ({part['id']})" if isinstance(part, Mapping) and "id" in part else ""
    return f"result {place + 1} of {len(result)}{identity}: {words[found.end() :]}"
