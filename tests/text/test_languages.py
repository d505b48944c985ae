"""Languages: names, letters, scripts, and which reader can write them."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from importlib import metadata
from pathlib import Path

import pytest

from backend.errors import SettingsWrong
from backend.text import languages

ROOT = Path(__file__).resolve().parent.parent.parent
RUSSIAN = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("ru", "ru", id="ISO 639-1"),
        pytest.param("rus", "ru", id="ISO 639-3 and Tesseract"),
        pytest.param("ru-RU", "ru", id="BCP 47 with a region"),
        pytest.param(" RU_ru ", "ru", id="POSIX locale, blanks, capitals"),
        pytest.param("ch", "zh", id="PaddleOCR's Chinese"),
        pytest.param("chinese_cht", "zh-Hant", id="PaddleOCR's traditional Chinese"),
        pytest.param("japan", "ja", id="PaddleOCR's Japanese"),
        pytest.param("korean", "ko", id="PaddleOCR's Korean"),
        pytest.param("rs_cyrillic", "sr", id="PaddleOCR's Serbian"),
        pytest.param("rs_latin", "sr-Latn", id="PaddleOCR's Latin Serbian"),
        pytest.param("abq", "abq", id="one of PaddleOCR's Cyrillic family"),
        pytest.param("chi_sim", "zh", id="Tesseract's Chinese"),
        pytest.param("chi_tra_vert", "zh-Hant", id="Tesseract's vertical traditional Chinese"),
        pytest.param("srp_latn", "sr-Latn", id="Tesseract's Latin Serbian"),
        pytest.param("zh-TW", "zh-Hant", id="a region that implies the script"),
        pytest.param("zh-Hans", "zh", id="the usual script is left out"),
        pytest.param("uz-Cyrl", "uz-Cyrl", id="an unusual script is kept"),
        pytest.param("cmn", "zh", id="one language of a macrolanguage"),
        pytest.param("iw", "he", id="an old code"),
        pytest.param("ka", "ka", id="Georgian, not PaddleOCR's old Kannada"),
    ],
)
def test_any_usual_name_of_a_language_becomes_one_code(name, code):
    assert languages.language_code(name) == code
    assert languages.language_code(code) == code


@pytest.mark.parametrize("name", ["", "xx", "x-foo", "cyrillic", "../rus", "ру", "\x00", "a" * 500])
def test_an_unknown_language_is_refused(name):
    with pytest.raises(SettingsWrong, match="OCR_LANGUAGE"):
        languages.language_code(name)


def test_a_name_that_no_language_can_have_is_refused_without_being_kept_or_repeated():
    name = "ru-x-" + "-".join(["aaaaaaaa"] * 20_000)
    with pytest.raises(SettingsWrong, match="180,004 characters, and up to 35 are read") as refused:
        languages.language_code(name)
    assert len(str(refused.value)) < 300
    assert len(str(refused.value.facts["language"])) < 100


def test_the_longest_names_of_languages_are_read():
    assert languages.language_code("chinese_cht") == "zh-Hant"
    assert languages.language_code("zh-cmn-Hans-CN-x-a-private-name-35c") == "zh"


def test_what_is_known_of_languages_does_not_grow_with_their_names():
    caches = [languages.language_code, languages.letters, languages.english_name, languages.scripts]
    assert all(cache.cache_info().maxsize <= 1024 for cache in caches)


def test_an_unknown_language_is_answered_with_close_ones():
    with pytest.raises(SettingsWrong, match=r"ru \(Russian\)") as caught:
        languages.letters("rusian")
    assert caught.value.facts["close"][0] == "ru"


@pytest.mark.parametrize(
    ("language", "held", "not_held"),
    [
        pytest.param("ru", RUSSIAN + RUSSIAN.lower(), "іґA1.-\u0301", id="Russian with ё and nothing else"),
        pytest.param("uk", "ґҐєїі", "ыъё’ʼ", id="Ukrainian without the apostrophe"),
        pytest.param("kk", "әғқңөұүһі", "ґ", id="Kazakh"),
        pytest.param("sr-Latn", "čćđšžČĆĐŠŽ", "чћ", id="Serbian in Latin letters"),
        pytest.param("sr", "ђћљњџЂЋЉЊЏ", "č", id="Serbian"),
        pytest.param("de", "äöüßÄÖÜ", "ñ", id="German, whose capital ß is not required"),
        pytest.param("tr", "ıİğş", "\u0307", id="Turkish without a stray dot"),
        pytest.param("ar", "أئبتة", "\u064e0", id="Arabic with its hamzas, without vowel marks"),
        pytest.param("ps", "ښړ", "\ufe8d", id="Pashto without presentation forms"),
        pytest.param("hi", "अक\u093f\u094d", "०।", id="Hindi with its vowel marks"),
        pytest.param("th", "กเ\u0e34\u0e48", "ฃ๑", id="Thai without obsolete letters"),
        pytest.param("zh", "的一国", "國あ、", id="simplified Chinese"),
        pytest.param("zh-Hant", "的一國", "国", id="traditional Chinese"),
        pytest.param("ja", "あア日", "。ー１", id="Japanese"),
        pytest.param("ko", "가한글", "갂", id="the common syllables of Korean"),
        pytest.param(
            "fa", "پچژگ", "1", id="a language that borrows nothing from a missing macrolanguage file"
        ),
        pytest.param("sq", "ëç", "й1", id="letters taken over from another language's file"),
    ],
)
def test_the_letters_of_a_language(language, held, not_held):
    letters = languages.letters(language)
    assert set(held) - letters == set()
    assert set(not_held) & letters == set()
    assert all(letter == unicodedata.normalize("NFC", letter) for letter in letters)


def test_every_language_of_the_recognisers_has_letters():
    paddle = """ru be uk bg mn abq ady kbd av dar inh ce lbe lez tab kk ky tg mk tt cv ba mhr udm kv os sah
    af az bs cs cy da de es et fr ga hr hu id is it ku la lt lv mi ms mt nl no oc pl pt ro sk sl sq sv sw
    tl tr uz vi fi eu gl lb rm ca qu ar fa ug ur ps sd hi mr ne mai bho sa gom th el ta te ko ja zh"""
    assert [code for code in paddle.split() if len(languages.letters(code)) < 20] == []


@pytest.mark.parametrize(
    ("language", "script", "right_to_left"),
    [
        ("ru", "Cyrillic", False),
        ("uz", "Latin", False),
        ("uz-Cyrl", "Cyrillic", False),
        ("ar", "Arabic", True),
        ("he", "Hebrew", True),
        ("pa", "Gurmukhi", False),
        ("pa-Arab", "Arabic", True),
        ("grc", "Greek", False),
        ("zh", "Han", False),
        ("ja", "Hiragana", False),
        ("ko", "Hangul", False),
        ("ka", "Georgian", False),
    ],
)
def test_a_language_has_a_script_and_a_direction(language, script, right_to_left):
    assert languages.script(language) == script
    assert languages.right_to_left(language) is right_to_left


def test_japanese_needs_three_scripts():
    assert languages.scripts("ja") == {"Hiragana", "Katakana", "Han"}


def test_one_missing_letter_of_a_small_alphabet_is_told():
    charset = (RUSSIAN + RUSSIAN.lower()).replace("ё", "")
    assert languages.missing_letters("ru", charset) == ["ё"]
    assert languages.missing_letters("ru", [*charset, "е\u0308"]) == []


def test_a_letter_of_several_code_points_is_written_from_its_parts():
    single = [letter for letter in languages.letters("nv") if len(letter) == 1]
    assert "ǫ\u0301" in languages.missing_letters("nv", single)
    assert languages.missing_letters("nv", [*single, "\u0301"]) == []


def test_rare_characters_of_a_large_alphabet_are_forgiven_and_many_are_not():
    common = sorted(languages.letters("zh"))
    assert languages.missing_letters("zh", common[40:]) == []
    assert languages.missing_letters("zh", common[100:]) == common[:100]


def test_a_latin_dictionary_cannot_write_russian():
    latin = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert len(languages.missing_letters("ru", latin)) == 66


@pytest.mark.parametrize(
    ("language", "model"),
    [
        ("ru", "eslav_PP-OCRv5_mobile_rec"),
        ("be", "eslav_PP-OCRv5_mobile_rec"),
        ("uk", "eslav_PP-OCRv5_mobile_rec"),
        ("bg", "cyrillic_PP-OCRv5_mobile_rec"),
        ("kk", "cyrillic_PP-OCRv5_mobile_rec"),
        ("sr", "cyrillic_PP-OCRv5_mobile_rec"),
        ("sr-Latn", "PP-OCRv6_small_rec"),
        ("de", "PP-OCRv6_small_rec"),
        ("en", "PP-OCRv6_small_rec"),
        pytest.param("az", "PP-OCRv6_small_rec", id="Azerbaijani: ə is in PP-OCRv6's dictionary alone"),
        pytest.param("bm", "PP-OCRv6_small_rec", id="Bambara: ɛ ɔ ɲ ŋ"),
        ("ar", "arabic_PP-OCRv5_mobile_rec"),
        ("fa", "arabic_PP-OCRv5_mobile_rec"),
        ("hi", "devanagari_PP-OCRv5_mobile_rec"),
        ("th", "th_PP-OCRv5_mobile_rec"),
        ("el", "el_PP-OCRv5_mobile_rec"),
        ("ta", "ta_PP-OCRv5_mobile_rec"),
        ("te", "te_PP-OCRv5_mobile_rec"),
        ("ko", "korean_PP-OCRv5_mobile_rec"),
        ("zh", "PP-OCRv6_small_rec"),
        ("zh-Hant", "PP-OCRv6_small_rec"),
        ("ja", "PP-OCRv6_small_rec"),
        pytest.param("ka", None, id="Georgian: no model"),
        pytest.param("vi", None, id="Vietnamese: not in the Latin dictionary"),
        pytest.param("grc", None, id="Ancient Greek: no breathings in the Greek dictionary"),
    ],
)
def test_the_recogniser_that_can_write_a_language(language, model):
    assert languages.recognition_model(language) == model


@pytest.mark.parametrize(
    ("language", "model"),
    [
        ("ru", "eslav_PP-OCRv5_mobile_rec"),
        ("de", "latin_PP-OCRv5_mobile_rec"),
        ("en", "en_PP-OCRv5_mobile_rec"),
        ("zh", "PP-OCRv5_server_rec"),
        pytest.param("az", None, id="Azerbaijani: PP-OCRv5 has no ə"),
    ],
)
def test_a_training_begins_with_a_model_of_pp_ocrv5(language, model):
    assert languages.trainable_model(language) == model


@pytest.mark.parametrize(
    ("language", "code", "package"),
    [
        ("ru", "rus", "tesseract-ocr-rus"),
        ("zh", "chi_sim", "tesseract-ocr-chi-sim"),
        ("zh-TW", "chi_tra", "tesseract-ocr-chi-tra"),
        ("sr-Latn", "srp_latn", "tesseract-ocr-srp-latn"),
        ("uz-Cyrl", "uzb_cyrl", "tesseract-ocr-uzb-cyrl"),
        ("fa", "fas", "tesseract-ocr-fas"),
        ("nb", "nor", "tesseract-ocr-nor"),
        ("ka", "kat", "tesseract-ocr-kat"),
        pytest.param("pa-Arab", None, None, id="a script that Tesseract has no data for"),
        pytest.param("abq", None, None, id="a language that Tesseract has no data for"),
    ],
)
def test_tesseract_s_name_and_package(language, code, package):
    assert languages.tesseract_code(language) == code
    assert languages.tesseract_package(language) == package


def test_the_committed_table_is_what_hyperglots_data_give():
    script = ROOT / "scripts" / "hyperglot-table"
    done = subprocess.run(
        [sys.executable, script, "-"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    committed = (ROOT / "backend" / "text" / "alphabets.tsv").read_text("utf-8")
    same = done.stdout.splitlines() == committed.splitlines()
    assert same, "backend/text/alphabets.tsv is not what hyperglot's data give: run `make alphabets`"


def test_the_table_names_where_it_comes_from_and_its_licence():
    head = (ROOT / "backend" / "text" / "alphabets.tsv").read_text("utf-8")[:500]
    assert f"hyperglot {metadata.version('hyperglot')}" in head
    assert f"licence {metadata.metadata('hyperglot')['License-Expression']}" in head
