"""The model that a training starts from: the one that a person names, or the one for the language."""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urldefrag

import httpx
import yaml

from backend.errors import BadRequest, ModelMissing
from backend.models import locate
from backend.models.files import sha256_of
from backend.models.locate import Source
from backend.text import languages
from backend.text.look_alikes import print_alike

log = logging.getLogger(__name__)

CARRIED: Final = "PP-OCRv5_mobile_rec"
"""The recogniser that installed packages carry: Chinese, Japanese and Latin, hardly any Cyrillic."""
_MOBILE: Final = {"PP-OCRv5_server_rec": CARRIED}
"""Where a language is read by a large model, the small one of the same dictionary is trained."""
_NAME: Final = re.compile(r"(?:([a-z]+)_)?PP-OCRv(\d)_(?:mobile|server)_rec")
_NEAR: Final = 0x2000
"""Letters that look alike across scripts are below this code point, as far as their table goes."""


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A recogniser to start from; it has a directory or weights, never both.

    name: PaddleOCR's name of it. directory: an exported model, with inference.yml, inference.json and
    inference.pdiparams. weights: training weights, `.pdparams`. dictionary: the characters that it writes,
    in the order of its last layer, without the blank and the space. sha256: of its files.
    """

    name: str
    directory: Path | None
    weights: Path | None
    dictionary: list[str]
    sha256: str


@dataclass(frozen=True, slots=True)
class TargetModel:
    """What is to be trained.

    name: PaddleOCR's name, which the new model bears, because PaddleOCR loads no other.
    dictionary: the characters that it writes at least, without the blank and the space.
    """

    name: str
    dictionary: list[str]


def find_base(
    text: str | None,
    language: str | None,
    *,
    source: Path,
    cache: Path,
    model_source: Source = "auto",
    client: httpx.Client | None = None,
) -> BaseModel:
    """Find the model to start from; a published one may be downloaded, which takes seconds to minutes.

    Args:
        text: PaddleOCR's name of a recogniser, the folder of an exported one, a `.pdparams` file, or the
            address of one with `#` and its SHA-256; None for the recogniser of the language, or where that
            is not at hand, the one that installed packages carry.
        language: of the lines; None where nobody knows.
        source: of PaddleOCR, which has the dictionaries of training weights.
        cache: twinread's cache folder.
        model_source: "packages" to ask no hub.
        client: of HTTP, for an address.

    Raises:
        BadRequest: there is no such base, or it lacks what is needed.
        ModelMissing: it cannot be had.
    """
    if text is None:
        return _for_language(language, cache, model_source)
    if text.startswith(("http://", "https://")):
        return _of_weights(_downloaded(text, cache / "models" / "bases", client), source, language)
    path = Path(text)
    if path.suffix == ".pdparams":
        if not path.is_file():
            raise BadRequest(f"--base {text}: there is no such file.")
        return _of_weights(path.absolute(), source, language)
    if path.is_dir():
        return _exported(locate.find_model(None, path.absolute(), engine="paddle"))
    if _NAME.fullmatch(text) is None and ("/" in text or "\\" in text or path.suffix):
        raise BadRequest(
            f"--base {text}: there is no such folder. Name a PP-OCR recogniser ({CARRIED}), the folder of an "
            "exported one, a .pdparams file, or the address of one with #sha256."
        )
    found = locate.find_model(text, engine="paddle", source=model_source, cache_dir=cache / "models")
    return _exported(found)


def target_of(base: BaseModel, language: str | None, source: Path) -> TargetModel:
    """What to make of a base: for a language with a recogniser of its own, that one's name and dictionary.

    A base that cannot write the language becomes a model that can: its rows of characters that both
    dictionaries have are kept.

    Args:
        base: the model to start from.
        language: of the lines; None keeps the base's own dictionary.
        source: of PaddleOCR, which has the dictionaries.
    """
    same = TargetModel(base.name, base.dictionary)
    if language is None or not languages.missing_letters(language, [*base.dictionary, " "]):
        return same
    name = languages.trainable_model(language)
    file = None if name is None else dictionary_file(name, source)
    return (
        same if name is None or file is None else TargetModel(_MOBILE.get(name, name), read_dictionary(file))
    )


def look_alikes(base: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """For characters that a base lacks, one that it has and that a picture shows nearly alike.

    Args:
        base: characters of the base.
        wanted: characters of the new model.

    Returns: Lacking character to base's, where there is one: a twin of another script (`о` of Cyrillic to
        `o` of Latin), else the letter without its marks (`ё` to `e`), else the other case.
    """
    present = set(base)
    near = [character for character in base if len(character) == 1 and ord(character) < _NEAR]
    found = {}
    for character in wanted:
        if character not in present and len(character) == 1:
            capital = character.isupper()
            near.sort(key=lambda other: (not other.isalpha(), other.isupper() != capital, other))
            bare = unicodedata.normalize("NFD", character)[0]
            forms = [
                *(other for other in near if print_alike(other, character) or print_alike(character, other)),
                *([bare] if bare != character else []),
                *(other for other in near if print_alike(bare, other)),
                *(form for form in (character.swapcase(), bare.swapcase()) if form != character),
            ]
            twin = next((form for form in forms if form in present), None)
            if twin is not None:
                found[character] = twin
    return found


def dictionary_file(name: str, source: Path) -> Path | None:
    """PaddleOCR's own dictionary of a recogniser; None where its source has none of that name."""
    match = _NAME.match(name)
    if match is None:
        return None
    family, version = match[1], match[2]
    file = f"ppocrv{version}_{family}_dict.txt" if family else f"ppocrv{version}_dict.txt"
    path = source / "ppocr" / "utils" / "dict" / file
    return path if path.is_file() else None


def read_dictionary(file: Path) -> list[str]:
    """The entries of a dictionary, one a line, as PaddleOCR reads them: a space of the file is one, too."""
    lines = file.read_bytes().decode("utf-8").split("\n")
    return [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


def _for_language(language: str | None, cache: Path, model_source: Source) -> BaseModel:
    name = languages.trainable_model(language) if language else None
    wanted = _MOBILE.get(name, name) if name else CARRIED
    try:
        found = locate.find_model(wanted, engine="paddle", source=model_source, cache_dir=cache / "models")
    except ModelMissing:
        if wanted == CARRIED:
            raise
        found = locate.find_model(CARRIED, engine="paddle", source="packages", cache_dir=cache / "models")
        log.warning("%s is not at hand; the training starts from %s.", wanted, CARRIED)
    return _exported(found)


def _exported(location: locate.ModelLocation) -> BaseModel:
    directory = location.directory
    files = [directory / name for name in ("inference.json", "inference.pdiparams", "inference.yml")]
    if not all(file.is_file() for file in files):
        raise BadRequest(
            f"{location.name} was exported by PaddlePaddle 2 or as ONNX alone, so no weights to start from "
            "can be made of it. Export it again with PaddlePaddle 3 (inference.json and inference.pdiparams)."
        )
    return BaseModel(location.name, directory, None, locate.dictionary(location)[:-1], sha256_of(files))


def _of_weights(file: Path, source: Path, language: str | None) -> BaseModel:
    config, entries = _config_near(file), _dictionary_near(file)
    match = _NAME.match(file.name)
    name = match[0] if match else str(config.get("Global", {}).get("model_name") or "")
    if not name and language:
        name = languages.trainable_model(language) or ""
    official = dictionary_file(name, source) if name else None
    if entries is None and official is not None:
        entries = read_dictionary(official)
    if not name or entries is None:
        raise BadRequest(
            f"--base {file.name}: its name does not say which recogniser it is, so the characters of its "
            "last layer are unknown. Put its dictionary beside it as dict.txt, and name it as PaddleOCR "
            "does, such as eslav_PP-OCRv5_mobile_rec_pretrained.pdparams."
        )
    return BaseModel(name, None, file, entries, sha256_of([file]))


def _near(file: Path, name: str) -> Path | None:
    """A file beside weights, or one folder up, where our runs and PaddleOCR's keep theirs."""
    return next((path for path in (file.parent / name, file.parent.parent / name) if path.is_file()), None)


def _dictionary_near(file: Path) -> list[str] | None:
    found = _near(file, "dict.txt")
    return None if found is None else read_dictionary(found)


def _config_near(file: Path) -> dict[str, dict[str, object]]:
    found = _near(file, "config.yml")
    try:
        loaded = yaml.safe_load(found.read_text("utf-8")) if found else {}
    except (OSError, yaml.YAMLError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _downloaded(address: str, folder: Path, client: httpx.Client | None) -> Path:
    url, wanted = urldefrag(address)
    wanted = wanted.lower().removeprefix("sha256=")
    if re.fullmatch("[0-9a-f]{64}", wanted) is None:
        raise BadRequest(
            "--base: an address needs the SHA-256 of its file behind it (ADDRESS#SHA256, 64 hex digits), so "
            "that what comes is what you mean."
        )
    name = Path(httpx.URL(url).path).name
    target = folder / wanted[:12] / (name if name.endswith(".pdparams") else "base.pdparams")
    if target.is_file() and sha256_of([target]) == wanted:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    digest = hashlib.sha256()
    try:
        with (
            client or httpx.Client(follow_redirects=True, timeout=60) as session,
            session.stream("GET", url) as answer,
            partial.open("wb") as file,
        ):
            answer.raise_for_status()
            for block in answer.iter_bytes():
                digest.update(block)
                file.write(block)
    except (httpx.HTTPError, OSError) as error:
        partial.unlink(missing_ok=True)
        raise ModelMissing(
            f"The weights to start from could not be downloaded ({type(error).__name__}). Download them "
            "yourself and give the file to --base."
        ) from error
    if digest.hexdigest() != wanted:
        partial.unlink(missing_ok=True)
        raise BadRequest(
            f"--base: the file at that address has the SHA-256 {digest.hexdigest()}, and not the one behind "
            "the #; it was thrown away. Correct the address or the sum."
        )
    partial.replace(target)
    return target
