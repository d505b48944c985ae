"""What differs between two readings is marked, in letters as people see them; nothing is put between them."""

from __future__ import annotations

import pytest

from backend.sheets.marks import Mark, as_html, marked, unlike
from backend.text.cleaning import visible_text


def spelled(marks: tuple[Mark, ...]) -> str:
    """[differs] and (beside)."""
    signs = {"same": ("", ""), "differs": ("[", "]"), "beside": ("(", ")")}
    return "".join(f"{signs[mark.kind][0]}{mark.text}{signs[mark.kind][1]}" for mark in marks)


@pytest.mark.parametrize(
    ("first", "second", "one", "other"),
    [
        pytest.param("Счёт 12", "Счёт 12", "Счёт 12", "Счёт 12", id="nothing differs"),
        pytest.param("Счёт 12", "Счет 12", "Сч[ё]т 12", "Сч[е]т 12", id="one letter for another"),
        pytest.param("modern", "modem", "mode[rn]", "mode[m]", id="two letters for one"),
        pytest.param("подшивки", "подшивкки", "подшив(ки)", "подшивк[к]и", id="a letter is missing"),
        pytest.param("окно", "окн", "окн[о]", "ок(н)", id="the last one is missing"),
        pytest.param("да нет", "данет", "да[ ]нет", "д(ан)ет", id="a space is missing"),
        pytest.param("المطر", "المططر", "الم(طر)", "المط[ط]ر", id="Arabic: the neighbours of the gap"),
        pytest.param("กำลัง", "กำลัว", "กำลั[ง]", "กำลั[ว]", id="Thai: a letter with its marks is one"),
        pytest.param("นี้", "นี", "[นี้]", "[นี]", id="Thai: a tone mark differs with its letter"),
        pytest.param("2024年5月", "2024年6月", "2024年[5]月", "2024年[6]月", id="Chinese"),
        pytest.param("абвгд", "xyz", "[абвгд]", "[xyz]", id="little in common: as wholes"),
        pytest.param("МОСТ", "MOCT", "[МОСТ]", "[MOCT]", id="alphabets that print alike: each letter"),
        pytest.param("12", "", "12", "", id="only one saw text"),
        pytest.param("a\u200bb\u0007c", "abd", "ab[c]", "ab[d]", id="invisible characters are no difference"),
    ],
)
def test_what_differs_is_marked(first: str, second: str, one: str, other: str) -> None:
    marks = marked(first, second)
    assert tuple(map(spelled, marks)) == (one, other)
    assert ["".join(mark.text for mark in each) for each in marks] == [
        visible_text(first),
        visible_text(second),
    ]


def test_the_same_difference_is_marked_from_either_side() -> None:
    for first, second in [("Счёт 12", "Счет"), ("المططر", "المطر"), ("abc", "xbz")]:
        assert marked(first, second) == tuple(reversed(marked(second, first)))


def test_marks_are_html_that_shows_the_text_and_nothing_else() -> None:
    marks = marked("<b>&\"'", "<i>&\"'")[0]
    assert as_html(marks) == '&lt;<mark class="differs">b</mark>&gt;&amp;&quot;&#x27;'


def test_readings_are_unlike_below_half_in_common() -> None:
    assert not unlike("abcd", "abxy")
    assert unlike("abcde", "abxyz")
    assert not unlike("МОСТ", "MOCT")
