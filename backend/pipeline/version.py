"""The model version: names what makes a prediction, and changes exactly when one can come out otherwise.

Label Studio keeps it with every prediction, and asks anew for tasks that lack the present one. It hangs on
numbers, not on the text of the code: whoever changes what comes out of a stage raises the number of that
stage (`PIPELINE` of a package, `RENDERING` of a detector or reader); `tests/test_golden.py` fails until then.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from importlib import metadata

from backend import label_studio, page, text
from backend.pipeline import annotate
from backend.pipeline.annotate import Panel
from backend.settings.settings import Settings
from backend.text import languages
from backend.text.probability import shipped

STAGES = {
    "page": page.PIPELINE,
    "text": text.PIPELINE,
    "label_studio": label_studio.PIPELINE,
    "annotate": annotate.PIPELINE,
    "score": int(shipped().digest, 16),
}
"""Stage to number; that of the score's weights and threshold is their digest. Detectors and readers carry
theirs in their identity."""

REREAD = "reread "
"""The model versions of predictions that a re-read stored begin with this."""

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
    """Name what makes a prediction: who reads first, exact at the end.

    Label Studio shows it as the title of the prediction's tab: the first 8 characters, "..." and the last 6,
    and all of it under the mouse. It lists versions with commas between them, so there is none in it.

    Args:
        detector: the detector's identity.
        detection_model: the name of its model, for people.
        panel: who reads the settings' language.
        at_hand: what local engines could read other languages with.
        settings: the labels, and the language of explanations.
        stages: the number of each stage.

    Returns:
        Such as `Paddle+Tesseract for English (PP-OCRv5_mobile_det en_PP-OCRv5_mobile_rec tesseract-5.3.0)
        1f3a9c07`, or with a witness `ERNIE x2 with Paddle for English (...) 1f3a9c07`. It names the language
        because pages whose task names another one may have other readers.
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
    read = [_model_of(reader.identity) for reader in panel.readers]
    models = " ".join(dict.fromkeys([detection_model, *read]))
    voters = len(read) - panel.policy.witnesses
    who = _who_reads(read[:voters])
    if voters < len(read):
        who += f" with {'+'.join(map(_short_name, read[voters:]))}"
    named = f"{who} for {languages.english_name(panel.language)} ({models}) {digest}"
    return named.replace(",", "")


def is_model_version(version: str) -> bool:
    """Whether a twinread named a prediction so; also one before versions began with who reads."""
    return bool(re.fullmatch(r"\S.* for \S.* \(.+\) [0-9a-f]{8}|\S+ \S+ \S+ [0-9a-f]{8}", version))


def _who_reads(models: list[str]) -> str:
    """Who reads with these models, as short as a tab wants it: `ERNIE x2`, `Paddle+Tesseract`."""
    if not models:
        return "Boxes without text"
    names = Counter(map(_short_name, models))
    if len(names) > 1:
        return "+".join(names)
    return f"{next(iter(names))} x{len(models)}"


def _short_name(model: str) -> str:
    for part, name in (("pp-ocr", "Paddle"), ("tesseract-", "Tesseract"), ("ernie", "ERNIE")):
        if part in model.casefold():
            return name
    return model


def _model_of(identity: str) -> str:
    """The model in the identity of a reader, such as `ERNIE-4.5-VL-28B` or `tesseract-5.3.0`."""
    name = re.split(r"[(@]", identity)[0].rpartition("/")[2] or identity
    # ERNIE's identity is model, colon, prompt; a model's name may have colons, too
    return name.rpartition(":")[0] or name


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
