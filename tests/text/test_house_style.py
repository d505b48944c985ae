"""One written rule for dashes, ellipses, `№ 7` and `°C`, by language and by what stands beside the mark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.text.house_style import by_the_rule, folded

texts = st.text(st.sampled_from("аa1 -–—−….,№°CС«»()\"'"), max_size=16)


@pytest.mark.parametrize(
    ("language", "read", "written"),
    [
        pytest.param("ru", "начало — 15.09.2019", "начало – 15.09.2019", id="a dash with spaces"),
        pytest.param("ru", "начало - 15.09.2019", "начало – 15.09.2019", id="a hyphen with spaces"),
        pytest.param("ru", "(далее —«Счет»)", "(далее –«Счет»)", id="before an opening quote"),
        pytest.param("ru", "«Да»,— сказал", "«Да»,– сказал", id="behind a comma"),
        pytest.param("ru", "— Кто там?", "– Кто там?", id="at the beginning of a speech"),
        pytest.param("ru", "он сказал —", "он сказал –", id="at the end of a line"),
        pytest.param("ru", "9:00–19:00", "9:00-19:00", id="digits without spaces"),
        pytest.param("ru", "USB—кабель", "USB-кабель", id="letters without spaces"),
        pytest.param("ru", "распозна—", "распозна-", id="a word broken at the end of the line"),
        pytest.param("ru", "−5 °C", "-5 °C", id="a negative number"),
        pytest.param("en", "so—no", "so—no", id="English joins clauses so"),
        pytest.param("en", "well-known", "well-known", id="and words so"),
        pytest.param("en", "pp. 5–7", "pp. 5-7", id="English, digits"),
        pytest.param("en", "a – b", "a — b", id="English, with spaces"),
        pytest.param("de", "a — b", "a – b", id="German"),
        pytest.param("ru", "кино- и фото", "кино- и фото", id="a hanging hyphen"),
        pytest.param("ru", "ключ -f", "ключ -f", id="a dash before a letter"),
        pytest.param("ru", "—————", "—————", id="a rule"),
        pytest.param("ru", "—", "—", id="a dash alone"),
        pytest.param("zh", "a — b №7...", "a — b №7...", id="a language without a rule"),
        pytest.param("ru", "и так далее...", "и так далее…", id="an ellipsis"),
        pytest.param("en", "and so on…", "and so on...", id="an English ellipsis"),
        pytest.param("ru", "Глава 1 ........ 7", "Глава 1 ........ 7", id="a dotted leader"),
        pytest.param("ru", "окно №7", "окно № 7", id="a number without a space"),
        pytest.param("en", "window №7", "window №7", id="no rule in English"),
        pytest.param("ru", "25°С", "25 °C", id="degrees, Cyrillic С"),
        pytest.param("ru", "t, °С", "t, °C", id="degrees without a number"),
        pytest.param("en", "5°С", "5°C", id="English degrees, Cyrillic С"),
        pytest.param("ru", "°Сумма", "°Сумма", id="a word behind the sign"),
    ],
)
def test_marks_are_written_by_the_rule_of_the_language(language, read, written):
    made = by_the_rule(read, language, dashes=True)
    assert made.text == written
    assert bool(made.changes) is (read != written)


def test_dashes_that_were_read_alike_stay_where_only_other_marks_are_wanted():
    made = by_the_rule("№7 — 25°С", "ru", dashes=False)
    assert made.text == "№ 7 — 25 °C"
    assert made.changes == (("25°С", "25 °C"), ("№7", "№ 7"))


@given(texts, st.sampled_from(["ru", "en", "uk", "el", "zh"]), st.booleans())
def test_the_rule_is_written_at_once(text, language, dashes):
    made = by_the_rule(text, language, dashes=dashes)
    assert by_the_rule(made.text, language, dashes=dashes).text == made.text


@given(texts)
def test_the_rule_changes_nothing_but_marks(text):
    def bare(line):
        return folded(line).replace(" ", "").replace("°С", "°C")

    assert bare(by_the_rule(text, "ru", dashes=True).text) == bare(text)
