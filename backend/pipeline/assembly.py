"""Settings to engines: the one module that knows which class stands behind which setting."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.detectors.turned_pages import HeadClassifier, TurnedPageDetector
from backend.errors import ModelMissing, StoreFailed
from backend.fetching.download_queue import DownloadLimits
from backend.fetching.sources import Sources
from backend.label_studio.client import LabelStudio
from backend.models.packaged import head_classifier
from backend.models.promoted import PromotedModel, Promotions
from backend.page.pixel_budget import PageMemory
from backend.pipeline.engines import Engines
from backend.pipeline.from_settings import engine_options, prices
from backend.pipeline.malloc import give_large_blocks_back
from backend.pipeline.metrics import Metrics, UsageCounter
from backend.pipeline.panels import Panels
from backend.pipeline.promoted_check import check_promoted
from backend.pipeline.promoted_models import PromotedModels
from backend.pipeline.reading_check import misreading
from backend.pipeline.service import Service, ServiceOptions
from backend.pipeline.spending import spending_figures
from backend.pipeline.version import model_version
from backend.private_files import private_folder
from backend.readers.budget import Spender
from backend.readers.prices import Prices
from backend.readers.stored import ReadingStore
from backend.seams import LineDetector
from backend.settings.settings import STORE_FILE, Settings

log = logging.getLogger(__name__)


def service(settings: Settings) -> Service:
    """A service over the engines that the settings name; they load in the background.

    A model that was promoted reads its languages, and one that is promoted later takes over.
    """
    give_large_blocks_back()
    promoted = PromotedModels(
        Promotions.under(settings.cache_dir),
        partial(engines, settings),
        partial(check_promoted, settings),
        fixed=why_none_is_promoted(settings),
    )
    options = ServiceOptions(
        settings.page_workers,
        waiting_pages=settings.max_waiting_pages,
        downloads=DownloadLimits(settings.downloads_at_once, settings.downloads_per_host),
    )
    return Service(promoted.load, options, promoted)


def why_none_is_promoted(settings: Settings) -> str:
    """Why no promoted model reads with these settings, as a sentence; empty where one does."""
    if settings.recognition_model_dir is not None:
        return (
            "RECOGNITION_MODEL_DIR names the model, and what the settings name stays: no promoted model "
            "reads. Take the setting out to let one."
        )
    if settings.readers and "paddle" not in settings.readers:
        return (
            f"READERS names {','.join(settings.readers)}, so no promoted model reads. Put paddle into it, "
            "or take the setting out."
        )
    return ""


def engines(
    settings: Settings,
    metrics: Metrics,
    promoted: PromotedModel | None = None,
    budget: Spender | None = None,
    *,
    detect: bool = True,
    read: bool = True,
) -> Engines:
    """Load everything; takes seconds, or minutes where a model is downloaded.

    The model version is the same whatever is loaded of it.

    Args:
        settings: name models, readers, store and Label Studio.
        metrics: of the service that will use them.
        promoted: the trained recogniser that reads its languages; None for PaddleOCR's own.
        budget: says whether a call of the ERNIE server may be made; None: always.
        detect: False where another process finds the lines: the detector is not loaded then.
        read: False where another process reads them: neither readers nor store are opened then.

    Raises:
        TwinreadError: why the backend cannot serve.
    """
    with ExitStack() as opened:
        found = detector(settings)
        opened.callback(found.stop)
        if detect:
            found.start()
        store = open_store(settings) if read else None
        if store is not None:
            opened.callback(store.close)
        charged = prices(settings)
        counts = UsageCounter(metrics, charged)
        panels = opened.enter_context(
            Panels(settings, store, promoted, counts=counts, budget=budget, load=read)
        )
        panels.check()
        panel = panels.panel(settings.ocr_language)
        if detect:
            found.wait()
        if read:
            panels.wait()
        api = _label_studio(settings)
        if api is not None:
            opened.callback(api.close)
        source = Sources.of(settings, api)
        # all went well: from here on the service closes what was opened
        close = opened.pop_all().close
    finder = turning(found, settings)
    return Engines(
        detector=finder,
        lend=panels.lend,
        source=source,
        model_version=model_version(
            finder.identity, found.location.identity, panel, panels.at_hand(), settings
        ),
        max_page_pixels=settings.max_page_pixels,
        max_jpeg_scans=settings.max_jpeg_scans,
        memory=_memory(settings.max_decoding_pixels),
        readers=panels.sentence(panel),
        unread=panels.unread,
        problem=panels.problem,
        spending=(lambda: None) if store is None else partial(_spending, store, panels.problem, charged),
        failure=lambda: found.failure or panels.failure(),
        try_reading=lambda: (
            misreading(panels.local_readers(settings.ocr_language), settings.ocr_language) if read else None
        ),
        close=close,
    )


@cache
def _memory(pixels: int) -> PageMemory:
    """The one that all engines of this process share: two of them are loaded while one takes over."""
    return PageMemory.of(pixels)


def detector(settings: Settings) -> PaddleDetector:
    """The detector that the settings name, not yet loaded.

    Raises:
        SettingsWrong: a setting cannot work, such as a GPU that is not there.
        ModelMissing: the model cannot be had.
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


def turning(found: PaddleDetector, settings: Settings) -> LineDetector:
    """The detector with a vote on the way that a page stands, where the classifier for it is at hand."""
    path = head_classifier()
    if path is None:
        log.info("Pages on their head are noticed by Tesseract alone: no package with the classifier for it.")
        return found
    return TurnedPageDetector(found, HeadClassifier(path), settings.tall_lines)


def open_store(settings: Settings) -> ReadingStore:
    """The store of readings; CACHE_DIR, its folder where no other is named, becomes its owner's alone.

    Raises:
        StoreFailed: it cannot be used.
    """
    try:
        private_folder(settings.cache_dir, STORE_FILE, "models")
    except OSError as error:
        if not settings.store_url:
            raise StoreFailed(
                f"CACHE_DIR cannot be written ({error.strerror}); set it to a folder of twinread's own."
            ) from error
    return ReadingStore(settings.store_address, answer_limit_s=settings.store_timeout_s)


def _spending(
    store: ReadingStore, problem: Callable[[], str | None], charged: Prices
) -> list[dict[str, object]] | None:
    """What readers took by the store's account; None where it cannot be seen."""
    try:
        # nobody waits for a store that is known not to answer
        return None if problem() else spending_figures(store.spending(), charged)
    except StoreFailed as error:
        log.warning("%s", error)
        return None


def check_readers(settings: Settings) -> None:
    """Refuse settings that name a reader which cannot write the language, before anything is served.

    Raises:
        ReaderUnavailable: names what is missing and a reader that can.
    """
    # without their models, which load in the background once the port answers
    with Panels(settings, None, promoted_model(settings), load=False) as panels:
        panels.check()


def promoted_model(settings: Settings) -> PromotedModel | None:
    """The promoted model that a backend with these settings reads with.

    None where none was promoted, where the settings leave no place for one, and where its file or its
    folder is damaged: a backend then starts with PaddleOCR's own, and says so.
    """
    if why_none_is_promoted(settings):
        return None
    try:
        model = Promotions.under(settings.cache_dir).current()
    except ModelMissing as error:
        log.warning("%s", error)
        return None
    return model if model is not None and model.directory.is_dir() else None


def _label_studio(settings: Settings) -> LabelStudio | None:
    key = settings.label_studio_api_key
    return LabelStudio(str(settings.label_studio_url), key) if key is not None else None
