"""Who reads which language, with the engines that are at hand."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import NotReady, ReaderUnavailable, SettingsWrong
from backend.models.locate import find_model
from backend.models.model_thread import ModelState
from backend.models.promoted import PromotedModel
from backend.page.lines import Reading, ReasonKind
from backend.pipeline.panels import Panels
from backend.pipeline.reader_kinds import KINDS
from backend.readers.paddle import PaddleReader
from backend.readers.stored import ReadingStore, StoredReader
from backend.readers.tesseract import TesseractReader
from backend.settings.settings import Settings
from backend.text import alphabets

DEBIAN = Path("/usr/share/tesseract-ocr/5/tessdata")
ERNIE = {"ernie_base_url": "http://127.0.0.1:9/v1", "ernie_model": "ernie-4.5-vl"}
SPARING = {"reading_policy": "second-when-needed"}
PanelsOf = Callable[..., Panels]


@pytest.fixture(scope="module")
def tessdata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tesseract's data for Russian and English alone, whatever else is installed here."""
    folder = tmp_path_factory.mktemp("tessdata")
    for language in ("rus", "eng", "osd"):
        (folder / f"{language}.traineddata").symlink_to(DEBIAN / f"{language}.traineddata")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def panels(tessdata: Path, models: Path) -> Iterator[PanelsOf]:
    """Makes panels from settings; packaged models and the data above are all that is at hand."""
    with ExitStack() as opened:

        def make(
            store: ReadingStore | None = None,
            load: bool = True,
            clock: Callable[[], float] = time.monotonic,
            promoted: PromotedModel | None = None,
            **values: Any,
        ) -> Panels:
            chosen = {"tessdata_dir": tessdata, "cache_dir": models, "model_source": "packages", **values}
            settings = Settings(_env_file=None, **chosen)  # type: ignore[call-arg]
            read = Panels(settings, store, promoted, load=load, clock=clock)
            return opened.enter_context(read)

        yield make


def names(panels: Panels, language: str) -> list[str]:
    """Which engines read a language, in order."""
    return [
        "tesseract"
        if reader.identity.startswith("tesseract")
        else reader.identity.split("(")[0].split(":")[0]
        for reader in panels.panel(language).readers
    ]


@pytest.mark.parametrize(
    ("values", "language", "readers"),
    [
        pytest.param({}, "en", ["tesseract", "PP-OCRv6_small_rec"], id="two unlike engines"),
        pytest.param({}, "ru", ["tesseract", "tesseract"], id="no packaged recogniser writes Russian"),
        pytest.param(
            {}, "zh", ["PP-OCRv6_small_rec", "PP-OCRv6_small_rec"], id="no Chinese data for Tesseract"
        ),
        pytest.param({}, "uk", [], id="nobody writes Ukrainian"),
        pytest.param(
            ERNIE, "en", ["ernie-4.5-vl", "ernie-4.5-vl", "PP-OCRv6_small_rec"], id="a server, and a witness"
        ),
        pytest.param(
            ERNIE,
            "ru",
            ["ernie-4.5-vl", "ernie-4.5-vl", "tesseract"],
            id="a witness where PaddleOCR does not write the language",
        ),
        pytest.param(ERNIE, "uk", ["ernie-4.5-vl", "ernie-4.5-vl"], id="no witness where nobody else does"),
        pytest.param(
            {**ERNIE, "witness": "off"}, "ru", ["ernie-4.5-vl", "ernie-4.5-vl"], id="no witness wanted"
        ),
        pytest.param(
            {**ERNIE, "readers": "ernie,ernie"},
            "ru",
            ["ernie-4.5-vl", "ernie-4.5-vl"],
            id="nobody joins who is named",
        ),
        pytest.param(
            {**ERNIE, "readers": "ernie,tesseract"}, "ru", ["ernie-4.5-vl", "tesseract"], id="named"
        ),
        pytest.param(
            {**ERNIE, "readers": "tesseract,ernie,ernie", "ocr_language": "ru"},
            "ru",
            ["tesseract", "ernie-4.5-vl", "ernie-4.5-vl"],
            id="three",
        ),
        pytest.param(
            {**ERNIE, **SPARING}, "en", ["ernie-4.5-vl", "PP-OCRv6_small_rec", "ernie-4.5-vl"], id="sparing"
        ),
        pytest.param(
            {**ERNIE, **SPARING},
            "ru",
            ["ernie-4.5-vl", "tesseract", "ernie-4.5-vl"],
            id="sparing, where PaddleOCR does not write the language",
        ),
        pytest.param(
            {**ERNIE, **SPARING}, "uk", ["ernie-4.5-vl", "ernie-4.5-vl"], id="sparing, where nobody else does"
        ),
        pytest.param(SPARING, "en", ["tesseract", "PP-OCRv6_small_rec"], id="sparing without a server"),
        pytest.param(
            {**ERNIE, **SPARING, "readers": "tesseract,ernie,ernie"},
            "ru",
            ["tesseract", "ernie-4.5-vl", "ernie-4.5-vl"],
            id="sparing, named",
        ),
        pytest.param(
            {**ERNIE, "readers": "tesseract,ernie", "ocr_language": "ru"},
            "el",
            ["ernie-4.5-vl", "ernie-4.5-vl"],
            id="a task in a language that one of the named cannot read",
        ),
        pytest.param(
            {"readers": "tesseract,tesseract"}, "en", ["tesseract", "tesseract"], id="one engine twice"
        ),
    ],
)
def test_who_reads(panels: PanelsOf, values: dict[str, Any], language: str, readers: list[str]) -> None:
    read = panels(**values)
    assert names(read, language) == readers
    identities = [reader.identity for reader in read.panel(language).readers]
    assert len(set(identities)) == len(identities), "two readings of one look confirm nothing"


def test_a_witness_has_no_vote_and_is_named_as_one(
    panels: PanelsOf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "backend.pipeline.panel_builder")
    read = panels(**ERNIE, ocr_language="en")
    panel = read.panel("en")
    assert panel.witnesses == {panel.readers[2].identity} == {"PP-OCRv6_small_rec"}
    assert (panel.policy.must_agree, panel.policy.at_once) == (2, 3)
    assert str(panel.policy) == "2 of ernie,ernie, witness paddle"
    assert panel.families["PP-OCRv6_small_rec"] == "PP-OCR"
    assert read.sentence(panel).endswith(", with PP-OCRv6_small_rec as a witness")
    for _ in range(2):
        assert not read.panel("uk").witnesses
    (told,) = [each.message for each in caplog.records if "testifies" in each.message]
    assert "tesseract-ocr-ukr" in told


def test_a_language_that_nobody_writes_is_named_with_what_would_read_it(panels: PanelsOf) -> None:
    read = panels(ocr_language="ru")
    (reason,) = read.panel("uk").lacking
    assert (reason.kind, reason.first) == (ReasonKind.NO_READER, "uk")
    for cure in ("tesseract-ocr-ukr", "eslav_PP-OCRv5_mobile_rec", "ERNIE_BASE_URL"):
        assert cure in reason.second
    assert read.panel("ru").lacking == ()
    assert read.unread() == {"uk": reason.second}
    assert "nobody reads 'uk'" in read.sentence(read.panel("uk"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param(
            {"readers": "paddle,tesseract", "ocr_language": "ru"}, "eslav_PP-OCRv5_mobile_rec", id="paddle"
        ),
        pytest.param(
            {"readers": "tesseract,paddle", "ocr_language": "zh"}, "tesseract-ocr-chi-sim", id="data"
        ),
    ],
)
def test_a_named_reader_that_cannot_write_the_promised_language_refuses_to_start(
    panels: PanelsOf, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(ReaderUnavailable, match=words):
        panels(**values).check()


@pytest.mark.parametrize(
    ("dictionary", "refused"),
    [
        pytest.param("[а, б]", True, id="letters are lacking"),
        pytest.param(
            "[" + ", ".join("АаБбВвГгДдЕеЁёЖжЗзИиЙйКкЛлМмНнОоПпРрСсТтУуФфХхЦцЧчШшЩщЪъЫыЬьЭэЮюЯя") + "]",
            False,
            id="whole",
        ),
    ],
)
def test_a_trained_model_is_read_with_or_refused_but_never_passed_over(
    panels: PanelsOf, tmp_path: Path, dictionary: str, refused: bool
) -> None:
    described = (
        f"Global: {{model_name: eslav_PP-OCRv5_mobile_rec}}\nPostProcess: {{character_dict: {dictionary}}}\n"
    )
    (tmp_path / "inference.yml").write_text(described, "utf-8")
    (tmp_path / "inference.onnx").write_bytes(b"weights")
    read = panels(recognition_model_dir=tmp_path, ocr_language="ru", load=False)
    if refused:
        with pytest.raises(ReaderUnavailable, match="RECOGNITION_MODEL_DIR"):
            read.check()
    else:
        read.check()
        first, second = read.panel("ru").readers
        assert first.identity.startswith("tesseract")
        assert re.fullmatch("eslav_PP-OCRv5_mobile_rec@[0-9a-f]{8}", second.identity)
    # a task in another language is read by whoever can
    assert names(read, "en") == ["tesseract", "tesseract"]


@pytest.fixture
def ours(tmp_path: Path) -> PromotedModel:
    """A model that was promoted for Russian; its dictionary has the letters of English, too."""
    letters = [
        *"АаБбВвГгДдЕеЁёЖжЗзИиЙйКкЛлМмНнОоПпРрСсТтУуФфХхЦцЧчШшЩщЪъЫыЬьЭэЮюЯя",
        *map(chr, range(65, 123)),
    ]
    described = {
        "Global": {"model_name": "ours"},
        "PostProcess": {"character_dict": [letter for letter in letters if letter.isalpha()]},
    }
    (tmp_path / "inference.yml").write_text(json.dumps(described, ensure_ascii=False), "utf-8")
    (tmp_path / "inference.onnx").write_bytes(b"weights")
    fingerprint = find_model(None, tmp_path).fingerprint
    return PromotedModel(tmp_path, fingerprint, "ours", ("ru",), "2026-11-26", "rule", "It reads better.")


@pytest.mark.parametrize(
    ("values", "language", "readers"),
    [
        pytest.param({}, "ru", ["tesseract", "ours"], id="beside an unlike engine"),
        pytest.param({}, "en", ["tesseract", "PP-OCRv6_small_rec"], id="another language keeps its reader"),
        pytest.param(
            {}, "zh", ["PP-OCRv6_small_rec", "PP-OCRv6_small_rec"], id="one that it could not even write"
        ),
        pytest.param(ERNIE, "ru", ["ernie-4.5-vl", "ours"], id="in place of a server's second look"),
        pytest.param(
            {**ERNIE, **SPARING},
            "ru",
            ["ernie-4.5-vl", "ours", "ernie-4.5-vl"],
            id="the second look when needed",
        ),
        pytest.param(
            ERNIE,
            "en",
            ["ernie-4.5-vl", "ernie-4.5-vl", "PP-OCRv6_small_rec"],
            id="another language, with a server and a witness",
        ),
        pytest.param(
            {**ERNIE, "readers": "ernie,ernie,paddle"},
            "ru",
            ["ernie-4.5-vl", "ernie-4.5-vl", "ours"],
            id="named readers stay",
        ),
        pytest.param(
            {**ERNIE, "readers": "ernie,tesseract"}, "ru", ["ernie-4.5-vl", "tesseract"], id="not named"
        ),
    ],
)
def test_a_promoted_model_reads_its_languages_and_no_others(
    panels: PanelsOf, ours: PromotedModel, values: dict[str, Any], language: str, readers: list[str]
) -> None:
    found = names(panels(promoted=ours, load=False, **values), language)
    assert [name.partition("@")[0] for name in found] == readers


def test_a_folder_in_the_settings_wins_over_a_promoted_model(
    panels: PanelsOf, ours: PromotedModel, models: Path
) -> None:
    packaged = find_model("PP-OCRv5_mobile_rec", source="packages", cache_dir=models / "models").directory
    read = panels(promoted=replace(ours, languages=("en",)), load=False, recognition_model_dir=packaged)
    assert names(read, "en")[1].startswith("PP-OCRv5_mobile_rec@")


def test_what_is_at_hand_tells_who_was_promoted_and_for_which_languages(
    panels: PanelsOf, ours: PromotedModel
) -> None:
    """Tasks may be in any language, so that it belongs to the model version."""

    def at_hand(promoted: PromotedModel | None, **values: Any) -> str:
        return panels(promoted=promoted, load=False, ocr_language="en", **values).at_hand()

    for server in ({}, ERNIE):
        assert ours.identity in at_hand(ours, **server)
        assert at_hand(ours, **server) != at_hand(replace(ours, languages=("uk",)), **server)
    assert at_hand(ours, readers="tesseract,tesseract") == at_hand(None, readers="tesseract,tesseract")


def test_readers_that_nobody_named_never_stop_the_start(panels: PanelsOf) -> None:
    panels(ocr_language="uk").check()


def test_ernie_is_asked_in_two_ways_about_the_language_of_the_page(panels: PanelsOf) -> None:
    read = panels(**ERNIE)
    russian, greek = read.panel("ru"), read.panel("el")
    assert len(set(russian.prompts)) == 2
    assert any("Russian" in prompt for prompt in russian.prompts)
    assert any("Greek" in prompt for prompt in greek.prompts)
    assert panels().panel("en").prompts == ()


def test_only_a_reader_that_is_asked_in_words_answers_in_words(panels: PanelsOf) -> None:
    panel = panels(**ERNIE, readers="ernie,tesseract").panel("ru")
    assert panel.worded == {panel.readers[0].identity}
    assert panels().panel("en").worded == frozenset()


def test_a_panel_is_built_once_under_all_names_of_its_language(panels: PanelsOf) -> None:
    read = panels(**ERNIE)
    assert read.panel("ru") is read.panel("rus")
    assert read.panel("ru") is read.panel("ru-RU")
    assert read.panel("ru").language == "ru"


def test_a_language_that_takes_long_to_begin_holds_no_other_up(panels: PanelsOf, tmp_path: Path) -> None:
    (tmp_path / "rus.traineddata").symlink_to(DEBIAN / "rus.traineddata")
    slow = tmp_path / "ukr.traineddata"
    os.mkfifo(slow)  # as slow as a download: nothing can be read until something is written
    read = panels(load=False, tessdata_dir=tmp_path, readers="tesseract,tesseract", ocr_language="ru")
    russian = read.panel("ru")
    with ThreadPoolExecutor(3) as pool:
        ukrainian = pool.submit(read.panel, "uk")
        try:
            assert pool.submit(read.panel, "ru").result(20) is russian
            assert pool.submit(read.unread).result(20) == {}
            assert not ukrainian.done()
        finally:
            while not ukrainian.done():
                with suppress(OSError):  # nobody is reading at this moment
                    end = os.open(slow, os.O_WRONLY | os.O_NONBLOCK)
                    os.close(end)
                time.sleep(0.01)
        assert len(ukrainian.result().readers) == 2


def test_readers_are_checked_without_their_models(panels: PanelsOf, tmp_path: Path) -> None:
    (tmp_path / "rus.traineddata").write_bytes(b"cut off")
    values: dict[str, Any] = {"readers": "tesseract,tesseract", "ocr_language": "ru"}
    looking = panels(load=False, tessdata_dir=tmp_path, **values)
    looking.check()
    reader = looking.panel("ru").readers[0]
    assert isinstance(reader, TesseractReader)
    assert reader.state is ModelState.LOADING
    reading = panels(tessdata_dir=tmp_path, **values)
    reading.check()
    with pytest.raises(ReaderUnavailable, match="install it again"):
        reading.wait()


def test_a_language_whose_model_failed_to_load_is_built_again_after_a_minute(
    panels: PanelsOf, tmp_path: Path
) -> None:
    clock = Clock()
    data = tmp_path / "rus.traineddata"
    data.write_bytes(b"cut off")
    read = panels(clock=clock, tessdata_dir=tmp_path, readers="tesseract,tesseract", cpu_threads=1)
    crop = np.full((48, 320, 3), 255, np.uint8)

    def said() -> Reading:
        with read.lend("ru") as panel:
            return panel.readers[0].submit([crop])[0].result(60)

    assert "install it again" in (said().error or "")
    data.unlink()
    data.symlink_to(DEBIAN / "rus.traineddata")
    clock.now = 59
    assert said().retryable, "not for every page"
    clock.now = 60
    assert said().error is None
    assert threads("Tesseract") == 2, "the failed ones are given back"


def test_only_what_is_promised_makes_the_service_fail(panels: PanelsOf, tmp_path: Path) -> None:
    (tmp_path / "rus.traineddata").write_bytes(b"cut off")
    (tmp_path / "ukr.traineddata").symlink_to(DEBIAN / "rus.traineddata")
    for own, words in (("uk", "None"), ("ru", "install it again")):
        read = panels(tessdata_dir=tmp_path, readers="tesseract,tesseract", ocr_language=own, cpu_threads=1)
        for language in ("uk", "ru"):
            read.panel(language)
        with pytest.raises(ReaderUnavailable):
            read.wait()
        assert words in str(read.failure())


def test_two_looks_through_one_recogniser_load_it_once(panels: PanelsOf) -> None:
    read = panels(readers="paddle,paddle", ocr_language="en", cpu_threads=1)
    first, second = read.panel("en").readers
    assert isinstance(first, PaddleReader) and isinstance(second, PaddleReader)
    assert first.identity != second.identity
    read.wait()
    new = [thread.name for thread in threading.enumerate() if thread.name.startswith("recognition model")]
    assert len(new) == 1
    crop = np.full((48, 320, 3), 255, np.uint8)
    for reader in (first, second):
        assert reader.submit([crop])[0].result(60).reader == reader.identity


def test_a_store_that_fails_is_known_to_the_panels(panels: PanelsOf, tmp_path: Path) -> None:
    store = ReadingStore(f"sqlite:///{tmp_path / 'readings.sqlite3'}")
    read = panels(store, readers="tesseract,tesseract", ocr_language="ru")
    assert read.problem() is None
    store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "readings.sqlite3").mkdir()
    read.panel("ru").readers[1].submit([np.full((48, 320, 3), 255, np.uint8)])[0].result(60)
    assert "cannot be opened" in (read.problem() or "")


def test_a_language_that_does_not_exist_is_a_wrong_setting(panels: PanelsOf) -> None:
    with pytest.raises(SettingsWrong, match="klingonish"):
        panels().panel("klingonish")


def test_with_a_store_every_reading_is_kept_under_the_reader_s_own_name(
    panels: PanelsOf, tmp_path: Path
) -> None:
    store = ReadingStore(f"sqlite:///{tmp_path / 'readings.sqlite3'}")
    kept = panels(store, ocr_language="en").panel("en").readers
    bare = panels(ocr_language="en").panel("en").readers
    assert all(isinstance(reader, StoredReader) for reader in kept)
    assert [reader.identity for reader in kept] == [reader.identity for reader in bare]
    store.close()


def test_the_policy_for_tall_lines_goes_with_the_panel(panels: PanelsOf) -> None:
    assert panels(**ERNIE, tall_lines="never").panel("ru").tall_lines == "never"


def test_the_style_of_marks_goes_with_the_panel(panels: PanelsOf) -> None:
    assert panels(**ERNIE).panel("ru").text_style == "house"
    assert panels(**ERNIE, text_style="as-read").panel("ru").text_style == "as-read"


def test_what_is_at_hand_tells_only_of_engines_that_may_read(panels: PanelsOf, tmp_path: Path) -> None:
    assert "rus" in panels().at_hand()
    assert panels(**ERNIE, witness="off").at_hand() == ""
    assert "rus" in panels(**ERNIE, readers="ernie,tesseract").at_hand()
    assert panels().at_hand() != panels(tessdata_dir=tmp_path).at_hand()
    assert panels().at_hand() != panels(recognition_model="en_PP-OCRv5_mobile_rec").at_hand()


class Clock:
    """Seconds that go on when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def threads(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


def test_a_language_that_nobody_asks_for_in_an_hour_is_given_back_and_comes_again(panels: PanelsOf) -> None:
    clock = Clock()
    read = panels(clock=clock, readers="tesseract,tesseract", ocr_language="ru", cpu_threads=1)
    before = threads("Tesseract")
    with read.lend("ru"), read.lend("en") as english:
        assert threads("Tesseract") == before + 4
        clock.now = 7200
        assert read.give_back_idle() == [], "somebody reads with it"
    clock.now = 7200 + 3599
    assert read.give_back_idle() == []
    clock.now = 7200 + 3600
    assert read.give_back_idle() == ["en"], "the language of the settings stays"
    assert threads("Tesseract") == before + 2
    with read.lend("en") as again:
        assert again is not english
        reading = again.readers[0].submit([np.full((48, 320, 3), 255, np.uint8)])[0].result(60)
        assert reading.error is None


def test_idle_languages_are_found_without_anybody_asking(panels: PanelsOf) -> None:
    read = panels(readers="tesseract,tesseract", ocr_language="ru", cpu_threads=1)
    read._idle_s = 0.2
    before = threads("Tesseract")
    for language in ("ru", "en"):
        with read.lend(language):
            pass
    end = time.monotonic() + 20
    while threads("Tesseract") > before + 2:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_of_many_languages_the_one_idle_the_longest_is_given_back_for_the_next(panels: PanelsOf) -> None:
    clock = Clock()
    read = panels(clock=clock, max_languages=3, ocr_language="ru", **ERNIE)
    for second, language in enumerate(("ru", "de", "fr", "de", "it", "es", "pt"), start=1):
        clock.now = second
        with read.lend(language):
            pass
    assert list(read._entries) == ["ru", "es", "pt"], "the settings' own language stays"


def test_four_hundred_languages_cost_no_more_than_max_languages(panels: PanelsOf, tmp_path: Path) -> None:
    store = ReadingStore(f"sqlite:///{tmp_path / 'r.sqlite3'}")
    read = panels(store=store, max_languages=4, **ERNIE)
    before = threading.active_count()
    names = [language for language in alphabets._rows() if language != "eng"][:400]
    for language in names:
        with suppress(SettingsWrong), read.lend(language):
            pass
    # two readers of each language, the server's own thread, and the look-out for idle languages
    assert threading.active_count() <= before + 2 * 4 + 2
    assert len(read._entries) == 4
    read.close()
    store.close()


def test_languages_that_nobody_reads_are_remembered_no_longer_than_others(panels: PanelsOf) -> None:
    read = panels(max_languages=2, ocr_language="ru", readers="tesseract,tesseract", load=False)
    for language in ("ka", "hy", "am"):
        assert read.panel(language).readers == ()
    assert list(read.unread()) == ["hy", "am"]


def test_while_every_language_is_read_a_page_waits_for_room_and_then_says_why_not(panels: PanelsOf) -> None:
    read = panels(max_languages=2, ocr_language="ru", **ERNIE)
    read._room_s = 0.2
    with ExitStack() as lent:
        for language in ("ru", "de"):
            lent.enter_context(read.lend(language))
        with (
            pytest.raises(NotReady, match=r"Pages in 2 languages .* MAX_LANGUAGES .* 'fr' has to wait"),
            read.lend("fr"),
        ):
            pass
        read._room_s = 60
        with ThreadPoolExecutor(1) as waits:
            came = waits.submit(lambda: read.panel("fr").language)
            with suppress(TimeoutError, FutureTimeout):
                came.result(0.2)
            assert not came.done()
            lent.close()
            assert came.result(30) == "fr"


def test_a_recogniser_that_another_language_shares_stays_when_one_is_given_back(panels: PanelsOf) -> None:
    clock = Clock()
    read = panels(clock=clock, readers="paddle,paddle", ocr_language="en", cpu_threads=1)
    crop = np.full((48, 320, 3), 255, np.uint8)
    with read.lend("en"):
        pass
    with read.lend("zh") as chinese:
        assert chinese.readers[0].submit([crop])[0].result(60).error is None
    assert threads("recognition model") == 1
    clock.now = 7200
    assert read.give_back_idle() == ["zh"]
    assert threads("recognition model") == 1
    assert read.panel("en").readers[0].submit([crop])[0].result(60).error is None
    read.close()
    assert threads("recognition model") == 0


@pytest.mark.parametrize(
    ("readers", "words"),
    [
        pytest.param(
            "paddle,gpt", "no reader is named gpt; there are ernie, paddle, tesseract", id="unknown"
        ),
        pytest.param("ernie,paddle", "ERNIE_BASE_URL", id="ernie without a server"),
    ],
)
def test_readers_that_cannot_be_are_refused_before_anything_is_served(
    panels: PanelsOf, readers: str, words: str
) -> None:
    with pytest.raises(SettingsWrong, match=words):
        panels(readers=readers, load=False).check()


def test_the_policy_stands_in_the_panel(panels: PanelsOf) -> None:
    assert str(panels(**ERNIE).panel("ru").policy) == "2 of ernie,ernie, witness tesseract"
    assert list(panels(**ERNIE).panel("ru").families.values()) == ["ERNIE", "ERNIE", "Tesseract"]
    assert list(panels().panel("en").families.values()) == ["Tesseract", "PP-OCR"]
    assert list(panels().panel("ru").families.values()) == ["Tesseract", "Tesseract"]
    assert str(panels().panel("en").policy) == "2 of tesseract,paddle"
    assert str(panels().panel("ru").policy) == "2 of tesseract,tesseract"


@pytest.mark.parametrize(
    ("values", "language", "policy", "sentence"),
    [
        pytest.param(
            {},
            "ru",
            "2 of ernie,ernie, witness tesseract",
            r"[^ ]+:plain@\w+ and [^ ]+:characters@\w+, with tesseract-[^ ]+ as a witness",
            id="all",
        ),
        pytest.param(
            {}, "uk", "2 of ernie,ernie", r"[^ ]+:plain@\w+ and [^ ]+:characters@\w+", id="all, no witness"
        ),
        pytest.param(
            SPARING,
            "ru",
            "2 of ernie,tesseract,ernie second-when-needed",
            r"[^ ]+:plain@\w+ and tesseract-[^ ]+, and [^ ]+:characters@\w+ only where those do not agree",
            id="when needed",
        ),
        pytest.param(
            SPARING,
            "uk",
            "2 of ernie,ernie second-when-needed",
            r"[^ ]+ and [^ ]+ \(READING_POLICY=second-when-needed saves nothing: there is no third reader\)",
            id="nobody on this machine writes it",
        ),
    ],
)
def test_the_status_says_who_reads_every_line_and_who_when_needed(
    panels: PanelsOf, values: dict[str, Any], language: str, policy: str, sentence: str
) -> None:
    read = panels(**ERNIE, **values)
    panel = read.panel(language)
    assert str(panel.policy) == policy
    assert re.fullmatch(sentence, read.sentence(panel)), read.sentence(panel)


def test_the_log_says_why_a_policy_saves_nothing_and_what_would_help(
    panels: PanelsOf, caplog: pytest.LogCaptureFixture
) -> None:
    panels(**ERNIE, **SPARING, ocr_language="uk").panel("uk")
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("READING_POLICY saves nothing in 'uk': no engine on this machine writes it")
    assert "tesseract-ocr-ukr" in warning


@pytest.mark.parametrize("policy", [{}, SPARING], ids=["witness", "confirms"])
def test_a_recogniser_that_the_settings_name_is_not_passed_over_beside_a_server(
    panels: PanelsOf, policy: dict[str, Any]
) -> None:
    named = {"recognition_model": "PP-OCRv5_mobile_rec", "ocr_language": "ru"}
    with pytest.raises(ReaderUnavailable, match="PP-OCRv5_mobile_rec"):
        panels(**ERNIE, **policy, **named, load=False).check()


def test_what_is_at_hand_for_a_second_opinion_belongs_to_the_version(panels: PanelsOf) -> None:
    """Which engine confirms a page's language is found on this machine, and decides its prediction."""
    assert panels(**ERNIE, ocr_language="ru", witness="off").at_hand() == ""
    assert panels(**ERNIE, ocr_language="ru").at_hand() == "tesseract:eng,rus,paddle:@"
    assert panels(**ERNIE, **SPARING, ocr_language="ru").at_hand() == "tesseract:eng,rus,paddle:@"


def test_the_documentation_of_readers_names_every_kind() -> None:
    documented = Settings.model_fields["readers"].description or ""
    assert set(re.findall(r"\w+", documented)) >= set(KINDS)
