"""Words of look-alike letters take their own script where it is certain, and only there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.text.look_alikes import print_alike, unify_scripts

letters = st.text(st.sampled_from("AАΑBВCСcсoоOОTТтaаkкSѕëёыжwзμ -1 "), max_size=12)


@pytest.mark.parametrize(
    ("language", "read", "written"),
    [
        pytest.param("ru", "Cтол", "Стол", id="Latin C in a Cyrillic word"),
        pytest.param("ru", "Mосквa", "Москва", id="two Latin letters, at both ends"),
        pytest.param("ru", "Ëлка", "Ёлка", id="Latin Ë"),
        pytest.param("ru", "okно", "окно", id="Latin k, nearly alike"),
        pytest.param("ru", "Нuawei P40", "Huawei P40", id="Cyrillic Н in a Latin word"),
        pytest.param("ru", "NР", "NP", id="Latin N tells"),
        pytest.param("ru", "IT-oтдел", "IT-отдел", id="only the half behind the hyphen is Cyrillic"),
        pytest.param(
            "uk", "Kиїв i Львів", "Київ і Львів", id="Ukrainian, and a Latin i between Cyrillic words"
        ),
        pytest.param("ru", "вышел c ним", "вышел с ним", id="a small Latin word between Cyrillic ones"),
        pytest.param("el", "Aθήνα", "Αθήνα", id="Latin A in a Greek word"),
        pytest.param("en", "Нello", "Hello", id="Cyrillic Н in an English word"),
        pytest.param("en", "Thе cаt", "The cat", id="every letter has a twin, English"),
        pytest.param("sr", "jе", "је", id="every letter has a twin, Serbian"),
        pytest.param("ru", "cо мной", "со мной", id="every letter has a twin, Russian"),
        pytest.param("el", "εκατομμύριo", "εκατομμύριο", id="a Latin o that ends a Greek word"),
        pytest.param("ru", "Wі-Fі", "Wi-Fi", id="one capital is no abbreviation, and і is not Russian"),
        pytest.param("ru", "MOCKBA", "МОСКВА", id="a long word of Latin capitals, alone"),
        pytest.param("ru", "г. MOCKBA, Кремль", "г. МОСКВА, Кремль", id="between Russian words"),
        pytest.param("ru", "МОСKВА", "МОСКВА", id="a Latin K in a long word of capitals"),
        pytest.param("ru", "с.ivanov@mail.ru", "c.ivanov@mail.ru", id="an e-mail address"),
        pytest.param("ru", "www.оcean.com", "www.ocean.com", id="a web address"),
    ],
)
def test_a_word_whose_script_is_certain_is_written_in_it(language, read, written):
    settled = unify_scripts(read, language)
    assert settled.text == written
    assert settled.repairs and not settled.doubts


@pytest.mark.parametrize(
    ("language", "text", "doubts"),
    [
        pytest.param("ru", "АB", ("АB",), id="look-alikes alone, mixed"),
        pytest.param("en", "MOCKBA", (), id="an English page"),
        pytest.param("ru", "MAXXX Windows", (), id="Latin capitals beside a Latin word"),
        pytest.param("ru", "иван@почта.рф", (), id="a Russian e-mail address"),
        pytest.param("uk", "cookiе", ("cookiе",), id="mostly Latin on a Ukrainian page"),
        pytest.param("ru", "SMSка", ("SMSка",), id="Latin letters that Russian has no likeness of"),
        pytest.param("ru", "DVDа", ("DVDа",), id="a Latin abbreviation with a Russian ending"),
        pytest.param("ru", "Dжон", ("Dжон",), id="letters of either script alone"),
        pytest.param("ru", "МОСТ", (), id="look-alikes alone, all Cyrillic"),
        pytest.param("ru", "MOCT", (), id="look-alikes alone, all Latin: nobody can know"),
        pytest.param("ru", "Мах Мустерманн", (), id="a Latin name written in Cyrillic: nobody can know"),
        pytest.param("ru", "пусть x больше", (), id="a variable between Cyrillic words"),
        pytest.param("ru", "пусть i больше", (), id="a letter that the language has no likeness of"),
        pytest.param("ru", "где c – длина", (), id="a letter beside a dash"),
        pytest.param("ru", "c 1 мая", (), id="a letter beside a number"),
        pytest.param("ru", "купил Mac вчера", (), id="a capitalised word of look-alikes"),
        pytest.param("ru", "Windows и Linux", (), id="two scripts, each in its own words"),
        pytest.param("en", "a cop", (), id="English look-alikes"),
        pytest.param("ja", "Tシャツ", (), id="Latin and Katakana in one word"),
        pytest.param("ru", "", (), id="nothing"),
    ],
)
def test_a_word_that_does_not_tell_its_script_stays(language, text, doubts):
    settled = unify_scripts(text, language)
    assert settled.text == text
    assert settled.repairs == ()
    assert settled.doubts == doubts


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("AB", "АВ", True),
        ("0", "О", True),
        ("l", "I", True),
        ("3", "З", True),
        ("ё", "е", False),
        ("A", "A", False),
        ("A", "", False),
        ("A", "AB", False),
    ],
)
def test_what_prints_alike(first, second, alike):
    assert print_alike(first, second) is alike
    assert print_alike(second, first) is alike


@given(letters, st.sampled_from(["ru", "uk", "en", "el", "ja"]))
def test_settling_changes_no_shape_and_settles_at_once(text, language):
    settled = unify_scripts(text, language)
    assert settled.text == text or print_alike(settled.text, text)
    assert unify_scripts(settled.text, language).text == settled.text
