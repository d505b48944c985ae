"""Checks everything the backend stands on, line by line, each failure with the line that mends it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from backend.detectors.paddle import PaddleDetector
from backend.errors import (
    LabelStudioFailed,
    ModelMissing,
    ReaderUnavailable,
    SettingsWrong,
    StoreFailed,
    TwinreadError,
)
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.models import devices
from backend.models.promoted import Promotions
from backend.page.lines import Reading
from backend.pipeline import assembly
from backend.pipeline.ernie_kind import Ernie
from backend.pipeline.from_settings import engine_options
from backend.pipeline.panels import Panels
from backend.pipeline.promoted_check import check_promoted
from backend.pipeline.reader_kind import ReaderSetup
from backend.pipeline.reader_kinds import kinds
from backend.pipeline.reading_check import NotTried, check_reading, misreading_of
from backend.projects import trained_reader
from backend.projects.backend_connection import connect_backend
from backend.seams import LineReader
from backend.settings.settings import Settings
from backend.text import languages

LEAST_FREE_BYTES = 2 * 1024**3
"""Free disk that models, the image cache and the store want."""

CV2_WHEELS = (
    "opencv-contrib-python",
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)
"""Wheels that write the folder cv2. PaddleX requires the first one, which contains all of the others; pip
installs the others for other packages without a warning."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report.

    about: what was looked at.
    ok: whether it is well.
    says: what was seen; where it is not well, with what mends it.
    """

    about: str
    ok: bool
    says: str


ONNXRUNTIME_WHEELS = ("onnxruntime", "onnxruntime-gpu")
"""Wheels that write the folder onnxruntime: for CPUs alone, and with CUDA. twinread requires the first one by
name; the second does all that it does."""


def examine(settings: Settings, backend_url: str) -> Iterator[Check]:
    """Check one thing after the other, cheap ones first.

    Args:
        settings: as `twinread serve` would use them.
        backend_url: where Label Studio would reach the backend.

    Raises:
        SettingsWrong: READERS names a reader that there is not.
    """
    kinds(ReaderSetup(settings, load=False))
    yield from _label_studio(settings, backend_url)
    yield _cv2()
    yield from _guarded("device", lambda: _device(settings))
    disk = _disk(settings.cache_dir)
    yield disk
    if not disk.ok:
        return
    yield from _guarded("detection model", lambda: _detection(settings))
    yield from _promoted(settings)
    yield from _guarded("readers", lambda: _readers(settings))
    yield from _ernie(settings)
    yield from _guarded("store", lambda: _store(settings))


def _guarded(about: str, look: Callable[[], str]) -> Iterator[Check]:
    try:
        yield Check(about, True, look())
    except TwinreadError as error:
        yield Check(about, False, str(error))


def _label_studio(settings: Settings, backend_url: str) -> Iterator[Check]:
    if settings.label_studio_api_key is None:
        yield Check(
            "Label Studio",
            False,
            "No key is set, so images cannot be fetched. Copy one from Label Studio, Account & Settings > "
            "Personal Access Token, into LABEL_STUDIO_API_KEY.",
        )
        return
    try:
        api = LabelStudio(str(settings.label_studio_url), settings.label_studio_api_key)
    except SettingsWrong as error:
        yield Check("Label Studio", False, str(error))
        return
    with api:
        try:
            yield Check("Label Studio", True, f"Version {api.version()} answers at {api.base_url}.")
            who = api.whoami()
            kind = "personal access" if api.auth.personal else "legacy"
            yield Check("token", True, f"The {kind} token of {who.get('email')} is accepted.")
        except LabelStudioFailed as error:
            yield Check("Label Studio", False, str(error))
            return
        yield from _guarded("rights and address block", lambda: _connection(api, backend_url, settings))


def _connection(api: LabelStudio, backend_url: str, settings: Settings) -> str:
    """Connect the backend to a project made for this and removed again: the one way to be told."""
    project = int(api.create_project(title="twinread doctor", label_config=default_config())["id"])
    try:
        connect_backend(api, project, backend_url, "twinread doctor", basic_auth=settings.basic_auth)
    except LabelStudioFailed as error:
        if "health check failed" not in str(error):
            raise
        raise LabelStudioFailed(
            f"Label Studio gets no answer from a backend at {backend_url}. Start it there with "
            "'twinread serve', or name the address at which Label Studio reaches it with --backend-url."
        ) from error
    finally:
        api.delete_project(project)
    return f"The token may make projects, and Label Studio reaches the backend at {backend_url}."


def _device(settings: Settings) -> str:
    """Which engine and device models will run on, and what to install where a GPU stands idle.

    Raises:
        SettingsWrong: the device is not there, or two wheels wrote one folder.
    """
    found = {name: version for name in ONNXRUNTIME_WHEELS if (version := _version(name))}
    if len(found) > 1:
        both = " ".join(ONNXRUNTIME_WHEELS)
        raise SettingsWrong(
            f"{' and '.join(found)} write the same folder, and which one is imported depends on their order. "
            f"Keep the second one: pip uninstall -y {both} && "
            f'pip install "onnxruntime-gpu[cuda,cudnn]=={found["onnxruntime-gpu"]}"'
        )
    options = engine_options(settings)
    engine = devices.choose_engine(options)
    wheel = " ".join(next(iter(found.items()), ("onnxruntime", "of unknown version")))
    runs = wheel if engine.name == "onnxruntime" else "Paddle's own engine"
    return f"Models run on {engine.device}, by {runs}. {devices.unused_gpu(engine, options)}".strip()


def _detection(settings: Settings) -> str:
    detector = assembly.detector(settings)
    detector.start()
    try:
        detector.wait(300)
    finally:
        detector.stop()
    return _model_sentence(detector)


def _model_sentence(detector: PaddleDetector) -> str:
    location = detector.location
    stands_in = (
        f"; it stands in for {location.requested}, which could not be had" if location.is_substitute else ""
    )
    sessions = detector.sessions
    how = f"{detector.engine.name}'s {detector.providers[0]}" if detector.providers else "Paddle's own engine"
    copies = "1 session" if sessions.count == 1 else f"{sessions.count} sessions"
    threads = "1 thread" if sessions.threads == 1 else f"{sessions.threads} threads"
    shared = f", {copies} of {threads}" if detector.engine.device == "cpu" else ""
    return (
        f"{location.name} from {location.came_from}, on {detector.engine.device} by {how}{shared}{stands_in}."
    )


def _promoted(settings: Settings) -> Iterator[Check]:
    """Which trained model was promoted, and whether it can read; nothing where none was."""
    try:
        model = Promotions.under(settings.cache_dir).current()
    except ModelMissing as error:
        yield Check("promoted model", False, str(error))
        return
    if model is None:
        return

    def look() -> str:
        # what the settings name is somebody's choice
        if not assembly.why_none_is_promoted(settings):
            check_promoted(settings, model)
        return trained_reader.sentence(settings, model)

    yield from _guarded("promoted model", look)


def _readers(settings: Settings) -> str:
    language = settings.ocr_language
    with Panels(settings, None, assembly.promoted_model(settings)) as panels:
        panels.check()
        panel = panels.panel(language)
        # data that is there may still be of no use
        panels.wait()
        local = panels.local_readers(language)
        tried = _tried(local, language)
    if panel.lacking:
        reason = panel.lacking[0]
        raise ReaderUnavailable(
            f"No reader can write '{reason.first}', so lines would be boxed but not read. "
            f"Install {reason.second}."
        )
    names = [reader.identity for reader in panel.readers if reader.identity not in panel.witnesses]
    said = [f"{' and '.join(names)} read '{language}' and know all its letters.", tried]
    said[1:1] = [f"{name} testifies beside them." for name in sorted(panel.witnesses)]
    if local and len(local) < len(panel.readers):
        said.append("ERNIE, whose calls cost money, is given one line, below.")
    return " ".join(filter(None, said))


def _tried(readers: Sequence[LineReader], language: str) -> str:
    """What local readers made of rendered lines.

    Raises:
        ReaderUnavailable: one of them reads nonsense.
    """
    try:
        checks = check_reading(readers, language)
    except NotTried as error:
        return f"Not tried on rendered lines: {error}."
    wrong = misreading_of(checks)
    if wrong is not None:
        raise ReaderUnavailable(wrong)
    right = " and ".join(str(check.right) for check in checks)
    return f"Rendered lines read right: {right} of {checks[0].lines}." if checks else ""


def _ernie(settings: Settings) -> Iterator[Check]:
    if settings.ernie_base_url is None:
        return
    from backend.readers.ernie.check import check

    ernie = Ernie(ReaderSetup(settings))
    try:
        code = languages.language_code(settings.ocr_language)
        readers = [ernie.build(code, turn, ExitStack()) for turn in range(ernie.turns())]
        for finding in check(ernie.server(), readers):
            yield Check("ERNIE", finding.ok, finding.text)
    except TwinreadError as error:
        yield Check("ERNIE", False, str(error))
    finally:
        ernie.close()


def _store(settings: Settings) -> str:
    try:
        store = assembly.open_store(settings)
    except StoreFailed as error:
        where = "STORE_URL" if settings.store_url else "CACHE_DIR"
        raise StoreFailed(f"{error} {where} says where it is.") from error
    try:
        store.put(("doctor", Reading("doctor", "ok")))
        store.get_many(["doctor"], "doctor")
        kept = store.count() - 1  # but for the doctor's own
    finally:
        store.close()
    return f"{kept} readings are kept; writing works."


def _cv2() -> Check:
    """Check that only one wheel wrote cv2; where two did, uninstalling one leaves an empty package."""
    found = {name: version for name in CV2_WHEELS if (version := _version(name))}
    named = " and ".join(f"{name} {version}" for name, version in found.items())
    if len(found) < 2:
        return Check("cv2", True, f"{named or 'No known wheel'} provides it.")
    others = " ".join(name for name in found if name != CV2_WHEELS[0])
    kept = "==".join(filter(None, (CV2_WHEELS[0], found.get(CV2_WHEELS[0]))))
    return Check(
        "cv2",
        False,
        f"{named} write the same folder, and which one is imported depends on their order. Keep one: "
        f"pip uninstall -y {others} && pip install --force-reinstall --no-deps {kept}",
    )


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _disk(folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(
            "disk",
            False,
            f"CACHE_DIR cannot be written ({error.strerror}); set it to a folder of yours. Models, images "
            "and the store need it, so they were not looked at.",
        )
    if free < LEAST_FREE_BYTES:
        return Check(
            "disk",
            False,
            f"Only {free / 1024**3:.1f} GB are free in CACHE_DIR; free some, or set it elsewhere. Models, "
            "images and the store need it, so they were not looked at.",
        )
    return Check("disk", True, f"{free / 1024**3:.0f} GB are free in CACHE_DIR.")
