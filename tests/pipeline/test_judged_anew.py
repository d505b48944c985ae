"""Other weights of the score judge pages anew, and pay for none of them again."""

from __future__ import annotations

from pathlib import Path

from backend.page import image_files
from backend.page.lines import Line, ReadLine
from backend.pipeline import assembly, version
from backend.pipeline.annotate import read_lines
from backend.pipeline.panels import Panels
from backend.readers.stored import ReadingStore
from backend.settings.settings import Settings
from tests.parts.ernie_stand_in import StandIn
from tests.parts.samples import sample
from tests.parts.scripted import quad

SCORED_BEFORE = {**version.STAGES, "score": version.STAGES["score"] - 1}


def read_by_a_new_backend(settings: Settings, lines: list[Line]) -> tuple[list[ReadLine], str, str]:
    """The page as a backend reads it that has just started; its version, and that of other weights."""
    page = image_files.decode(sample("syn_008").path.read_bytes(), max_pixels=10**7)
    store = ReadingStore(settings.store_url)
    with Panels(settings, store) as panels:
        panel = panels.panel("ru")
        panels.wait()
        read = read_lines(page, lines, panel)
        detector = assembly.detector(settings)
        facts = detector.identity, detector.location.identity, panel, panels.at_hand(), settings
        named = version.model_version(*facts), version.model_version(*facts, SCORED_BEFORE)
    store.close()
    return read, *named


def test_other_weights_are_another_version_whose_readings_come_from_the_store(
    tmp_path: Path,
) -> None:
    with StandIn().running() as server:
        settings = Settings(
            _env_file=None,
            cache_dir=tmp_path,
            model_source="packages",
            ocr_language="ru",
            readers="ernie,ernie",
            ernie_base_url=server.base_url,
            ernie_model=server.model,
            store_url=f"sqlite:///{tmp_path / 'readings.sqlite3'}",
        )
        lines = [Line(quad(10, 10 + 40 * place, 150, 30)) for place in range(3)]
        first, now, before = read_by_a_new_backend(settings, lines)
        assert now != before, "the version names the weights"
        paid = server.calls
        assert paid > 0
        again, _, _ = read_by_a_new_backend(settings, lines)
        assert [line.judgement for line in again] == [line.judgement for line in first]
        assert server.calls == paid, "judging anew asks nobody"
