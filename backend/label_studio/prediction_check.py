"""Finds predictions that Label Studio would drop, and says why, before they are stored.

Label Studio's bulk import of predictions silently drops those that do not fit the labeling config, and
returns only how many it stored. Its import of tasks stores all of them, or refuses the whole request because
of one, depending on the server's feature flags. Label Studio checks with `LabelInterface` of its SDK, and so
do we. That takes 0.6 s of CPU to import, so it is imported when the first prediction is checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from xml.etree.ElementTree import Element

from backend.errors import BadRequest
from backend.label_studio.config_tags import parse_xml

FAULTS_SHOWN = 3
"""Faults of one prediction that its sentence names."""

VALUE_SHOWN = 160
"""Characters of a faulty value that a sentence shows."""

LABEL_TAGS = ("Label", "Choice", "Relation")
ATTRIBUTES = ("name", "toName", "value", "valueList")
"""Names that `LabelInterface` finds in this spelling only; Label Studio's editor ignores case."""

UNCHECKED = "Predictions were not checked against the project's labeling config"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A prediction that Label Studio would drop.

    task: the id of its task; None where the prediction has none.
    sentence: which of its results does not fit, and why.
    """

    task: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class StoredPredictions:
    """What became of predictions: created + dropped + left out = sent to `import_predictions`.

    created: how many are stored.
    dropped: how many Label Studio dropped although no fault was found.
    left_out: those with a fault, which were not sent to Label Studio.
    unchecked: why the predictions could not be checked; empty when they were.
    """

    created: int
    dropped: int = 0
    left_out: tuple[Misfit, ...] = ()
    unchecked: str = ""


class PredictionCheck:
    """Checks predictions against one labeling config, given as XML."""

    def __init__(self, xml: str) -> None:
        self._xml = xml

    @property
    def unchecked(self) -> str:
        """Why predictions cannot be checked against this config, as one sentence; empty where they can.

        All of them then count as fitting, because Label Studio's editor reads configs that its SDK does not.
        """
        return self._validator[1]

    def misfit(self, prediction: Mapping[str, Any]) -> str:
        """Why Label Studio would drop a prediction; empty where it fits, or where that is `unchecked`."""
        validate, _ = self._validator
        found = validate(prediction, return_errors=True) if validate is not None else []
        # the faults of a relation come as a list inside the list
        faults = [str(fault) for some in found for fault in ([some] if isinstance(some, str) else some)]
        result = prediction.get("result")
        parts = result if isinstance(result, list) else []
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        return "; ".join([*(_with_id(fault, parts) for fault in faults[:FAULTS_SHOWN]), *more])

    def split(
        self, predictions: Sequence[Mapping[str, Any]]
    ) -> tuple[list[Mapping[str, Any]], tuple[Misfit, ...]]:
        """The predictions that fit, and the misfits, both in the order of `predictions`."""
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
    def _validator(self) -> tuple[Callable[..., Any] | None, str]:
        """`LabelInterface.validate_prediction` for the config, or None and the reason why there is none."""
        from label_studio_sdk.label_interface.interface import LabelInterface

        try:
            if overlooked := _overlooked(parse_xml(self._xml)):
                return None, f"{UNCHECKED}: Label Studio's SDK overlooks {overlooked} in it."
            return LabelInterface(self._xml).validate_prediction, ""
        except BadRequest as error:
            return None, f"{UNCHECKED}: {error}"
        except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions, and errors of lxml
            return None, f"{UNCHECKED}: Label Studio's SDK cannot read it ({error})."


def _overlooked(root: Element) -> str:
    """A tag or an attribute that `LabelInterface` does not find because of its spelling; empty for none."""
    for element in root.iter():
        if _in_other_case(element.tag, LABEL_TAGS):
            return f"<{element.tag}>"
        for attribute, value in element.attrib.items():
            if _in_other_case(attribute, ATTRIBUTES) or (attribute == "toName" and " " in value):
                return f'{attribute}="{value[:VALUE_SHOWN]}"'
    return ""


def _in_other_case(name: str, spellings: Sequence[str]) -> bool:
    return name not in spellings and name.lower() in map(str.lower, spellings)


def _with_id(fault: str, result: Sequence[Any]) -> str:
    """A fault in the SDK's words, with the number (from 1) and the id of the result that has it."""
    words = " ".join(fault.split())
    value = re.search(r"Got: (.*)\. Valid options: ", words)
    if value and len(value[1]) > VALUE_SHOWN:
        words = words.replace(value[1], f"{value[1][:VALUE_SHOWN]}...", 1)
    found = re.match(r"(?:Region|Relation) (\d+): ", words)
    if found is None:
        return words
    place = int(found[1])
    part = result[place] if place < len(result) else None
    identity = f" ({part['id']})" if isinstance(part, Mapping) and "id" in part else ""
    return f"result {place + 1} of {len(result)}{identity}: {words[found.end() :]}"
