"""Settings to engines: the one room that knows which class stands behind which name."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from importlib.resources import files

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.errors import StoreFailed
from backend.fetching.sources import Sources
from backend.label_studio.api import LabelStudioApi
from backend.pipeline.annotate import Panel
from backend.pipeline.metrics import Metrics
from backend.pipeline.panels import Panels, engine_options
from backend.pipeline.service import Engines, Service, ServiceOptions
from backend.readers.stored import ReadingStore
from backend.settings.settings import Settings

DECIDING_ROOMS = (
    "page/lines",
    "page/geometry",
    "page/reading_order",
    "page/crops",
    "text/languages",
    "text/language_tables",
    "text/alphabets",
    "text/cleaning",
    "text/verdicts",
    "text/guards",
    "text/look_alikes",
    "text/differences",
    "label_studio/explanations",
    "pipeline/annotate",
    "label_studio/predictions",
    "label_studio/region_notes",
    "label_studio/regions",
    "label_studio/result_fields",
    "label_studio/percent",
    "label_studio/labeling_config",
    "label_studio/config_tags",
    "page/image_files",
    "detectors/paddle",
)
"""Modules whose code decides what a prediction says; a change in them is a new model version."""


def service(settings: Settings) -> Service:
    """A service over the engines that the settings name; they load in the background."""
    options = ServiceOptions(settings.max_page_pixels, settings.page_workers)
    return Service(lambda metrics: engines(settings, metrics), options)


def engines(settings: Settings, metrics: Metrics) -> Engines:
    """Load everything; takes seconds, or minutes where a model is downloaded.

    Raises:
        TwinreadError: why the backend cannot serve.
    """
    with ExitStack() as opened:
        find = detector(settings)
        opened.callback(find.stop)
        find.start()
        store = open_store(settings)
        opened.callback(store.close)
        read = opened.enter_context(Panels(settings, store))
        read.check()
        panel = read.panel(settings.ocr_language)
        find.wait()
        read.wait()
        api = _label_studio(settings)
        if api is not None:
            opened.callback(api.close)
        source = Sources.of(settings, api)
        # all went well: from here on the service closes what was opened
        close = opened.pop_all().close
    return Engines(
        detector=find,
        panel=read.panel,
        source=source,
        model_version=model_version(find, panel, read, settings),
        readers=read.sentence(panel),
        unread=read.unread,
        problem=read.problem,
        close=close,
    )


def detector(settings: Settings) -> PaddleDetector:
    """The detector that the settings name, not yet loaded.

    Raises:
        SettingsWrong: a setting cannot work, such as a GPU that is not there.
        NotReady: the model cannot be had.
    """
    options = DetectionOptions(
        limit_side_len=settings.detection_limit_side_len,
        limit_type=settings.detection_limit_type,
        max_side_limit=settings.detection_max_side_limit,
        thresh=settings.detection_thresh,
        box_thresh=settings.detection_box_thresh,
        unclip_ratio=settings.detection_unclip_ratio,
        input_shape=settings.detection_input_shape,
        enlarge_below=settings.detection_enlarge_below,
        high_resolution_from=settings.detection_high_resolution_from,
        high_resolution_limit=settings.detection_high_resolution_limit,
        engine=engine_options(settings),
    )
    return PaddleDetector(
        options,
        model=settings.detection_model,
        model_dir=settings.detection_model_dir,
        source=settings.model_source,
        cache_dir=settings.cache_dir / "models",
    )


def open_store(settings: Settings) -> ReadingStore:
    """The store of readings; its folder is made where it is the default one.

    Raises:
        StoreFailed: it cannot be used.
    """
    if not settings.store_url:
        try:
            settings.cache_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailed(
                f"CACHE_DIR cannot be written ({error.strerror}); set it to a folder of twinread's own."
            ) from error
    return ReadingStore(settings.store_address)


def check_readers(settings: Settings) -> None:
    """Refuse settings that name a reader which cannot write the language, before anything is served.

    Raises:
        ReaderUnavailable: names what is missing and a reader that can.
    """
    # without their models: gunicorn forks after this, and neither models nor their threads survive that
    with Panels(settings, None, load=False) as read:
        read.check()


def model_version(find: PaddleDetector, panel: Panel, read: Panels, settings: Settings) -> str:
    """Name what makes a prediction; changes exactly when one can come out otherwise.

    Readable first, exact at the end: the hash covers every identity, the labels, the language of
    messages and the code of the rooms that decide.
    """
    parts = [
        find.identity,
        *[reader.identity for reader in panel.readers],
        read.at_hand(),
        panel.language,
        settings.tall_lines,
        settings.message_language,
        *(settings.label_text, settings.label_check, settings.label_illegible, settings.label_not_text),
        *(files("backend").joinpath(f"{room}.py").read_text("utf-8") for room in DECIDING_ROOMS),
    ]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    who = "+".join(reader.identity.split("(")[0].split("@")[0] for reader in panel.readers) or "unread"
    return f"{find.location.identity} {who} {panel.language} {digest}"


def _label_studio(settings: Settings) -> LabelStudioApi | None:
    key = settings.label_studio_api_key
    return LabelStudioApi(str(settings.label_studio_url), key) if key is not None else None
