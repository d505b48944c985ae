"""The model version: names what makes a prediction, and changes exactly when one can come out otherwise.

Label Studio keeps it with every prediction, and asks anew for tasks that lack the present one. It hangs on
numbers, not on the text of the code: whoever changes what comes out of a stage raises the number of that
stage (`PIPELINE` of a package, `RENDERING` of a detector or reader); `tests/test_golden.py` fails until then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import metadata

from backend import label_studio, page, text
from backend.pipeline import annotate
from backend.pipeline.annotate import Panel
from backend.settings.settings import Settings

STAGES = {
    "page": page.PIPELINE,
    "text": text.PIPELINE,
    "label_studio": label_studio.PIPELINE,
    "annotate": annotate.PIPELINE,
}
"""Stage to number. Detectors and readers carry theirs in their identity."""

LIBRARIES = (
    "onnxruntime",
    "opencv-contrib-python",
    "paddleocr",
    "paddlepaddle",
    "paddlepaddle-gpu",
    "paddlex",
    "pillow",
)
"""What decodes, warps, finds and reads; its major and minor version stand in the model version."""


def model_version(
    detector: str,
    detection_model: str,
    panel: Panel,
    at_hand: str,
    settings: Settings,
    stages: Mapping[str, int] = STAGES,
) -> str:
    """Name what makes a prediction: readable first, exact at the end.

    Args:
        detector: the detector's identity.
        detection_model: the name of its model, for people.
        panel: who reads the settings' language.
        at_hand: what local engines could read other languages with.
        settings: the labels, and the language of explanations.
        stages: the number of each stage.

    Returns:
        Such as `PP-OCRv5_mobile_det ernie-4.5-vl:plain+ernie-4.5-vl:careful ru 1f3a9c07`.
    """
    decisive = [
        detector,
        *[reader.identity for reader in panel.readers],
        at_hand,
        str(panel.policy),
        panel.language,
        settings.tall_lines,
        settings.text_style,
        settings.message_language,
        *(settings.label_text, settings.label_check, settings.label_illegible, settings.label_not_text),
        *(f"{stage} {number}" for stage, number in stages.items()),
        *(f"{library} {version}" for library, version in installed(LIBRARIES).items()),
    ]
    digest = hashlib.sha256("\0".join(decisive).encode()).hexdigest()[:8]
    readers = "+".join(reader.identity.split("(")[0].split("@")[0] for reader in panel.readers) or "unread"
    return f"{detection_model} {readers} {panel.language} {digest}"


def installed(libraries: tuple[str, ...]) -> dict[str, str]:
    """Major and minor version of those libraries that are installed, by name."""
    versions = {}
    for library in libraries:
        try:
            version = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
        versions[library] = ".".join(version.split(".")[:2])
    return versions
