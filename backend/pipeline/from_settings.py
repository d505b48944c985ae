"""What the settings say, as the options of models and the prices of a server."""

from __future__ import annotations

from backend.models.paddle_engine import EngineOptions
from backend.readers.prices import Prices
from backend.settings.settings import Settings


def prices(settings: Settings) -> Prices:
    """What the ERNIE server charges, by the settings."""
    return Prices(
        settings.ernie_input_price,
        settings.ernie_output_price,
        settings.ernie_cached_input_price,
        settings.currency,
    )


def engine_options(settings: Settings) -> EngineOptions:
    """On what PaddleOCR's models run."""
    return EngineOptions(
        engine=settings.engine,
        device=settings.device,
        cpu_threads=settings.cpu_threads,
        engine_config=settings.engine_config,
        enable_hpi=settings.enable_hpi,
        use_tensorrt=settings.use_tensorrt,
        precision=settings.precision,
        enable_mkldnn=settings.enable_mkldnn,
        mkldnn_cache_capacity=settings.mkldnn_cache_capacity,
        enable_cinn=settings.enable_cinn,
    )
