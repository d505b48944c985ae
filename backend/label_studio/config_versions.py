"""Knows a labeling config that twinread itself wrote, now or before, so that it may be renewed; pure.

A config is known by its digest, with the names that the settings give its labels taken out. A config that a
person edited has another digest, also where only a label has another name: it is theirs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from xml.etree.ElementTree import tostring

from backend.errors import BadRequest
from backend.label_studio.config_tags import LabelNames, parse_xml
from backend.label_studio.message_language import MessageLanguage

EVER_WRITTEN: Mapping[str, MessageLanguage] = {
    "4fc617759fe5b636": "en",
    "b6e3039500c705d2": "ru",
    "3a9945445ff20684": "en",
    "7a5d63d030369139": "ru",
    "5ed9544c03bcfbfa": "en",
    "25fef2a13435f027": "ru",
    "344f2cbd614c5b38": "en",
    "a116153731efcdd5": "ru",
    "508bf39f905d4bb4": "en",
    "39c4f6d07d081212": "ru",
    "6f8dcf9d1416d875": "en",
    "555b590ab83a51b4": "ru",
}
"""The digest of every labeling config that any twinread wrote, oldest first, and the language of its hints.

One that is no longer written stays here: projects have it, and nobody but us wrote it. Add, never replace.
"""


def config_digest(config: str, labels: LabelNames) -> str | None:
    """What a config of ours is recognised by; None where it cannot be one.

    Args:
        config: as Label Studio keeps it.
        labels: what the settings call the labels of the project.
    """
    try:
        root = parse_xml(config.strip())
    except BadRequest:
        return None
    names = [labels.text, labels.check, labels.illegible, labels.not_text]
    tags = list(root.iter("Label"))
    if [tag.get("value") for tag in tags] != names:
        return None
    numbers = {name: f"{{{number}}}" for number, name in enumerate(names)}
    for tag in tags:
        tag.set("value", numbers[str(tag.get("value"))])
    longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    in_hint = re.compile(rf"\(({longest_first})(?=[):])")
    for element in root.iter():
        shown = element.get("whenLabelValue")
        if shown is not None:
            element.set("whenLabelValue", ",".join(numbers.get(name, name) for name in shown.split(",")))
        hint = element.get("requiredMessage")
        if hint is not None:
            element.set("requiredMessage", in_hint.sub(lambda match: f"({numbers[match[1]]}", hint))
    plain = " ".join(tostring(root, encoding="unicode").split())
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def language_written(config: str, labels: LabelNames) -> MessageLanguage | None:
    """The language of a config that twinread wrote and nobody edited; None for any other.

    Args:
        config: as Label Studio keeps it.
        labels: what the settings call the labels of the project.
    """
    digest = config_digest(config, labels)
    return None if digest is None else EVER_WRITTEN.get(digest)
