"""The report as a page: what is not known, what must not become markup, and no network."""

from __future__ import annotations

import re

import pytest

from converters.report.html import NO_LINES, NOT_KNOWN
from tests.parts.reviewed_work import Work, page_of, reported, task


def test_without_the_prediction_nothing_is_claimed():
    made = task(1, [Work(("one", "one"), "one")])
    made["predictions"] = [5001]

    found = reported(made)
    assert (found.all.lines, found.all.unknown) == (1, 1)
    assert found.all.agreed.of == found.all.found.of == found.all.prefilled.lines == 0
    page = page_of(found)
    assert page.count(NOT_KNOWN) >= 4
    assert f'<b class="none">{NO_LINES}' not in page
    # but for what the annotation itself brings along
    assert [rate.edits for rate, _ in found.readers().values()] == [0, 0]


def test_an_empty_project_has_no_lines_yet_and_nothing_that_is_not_known():
    page = page_of(reported())

    assert page.count(f'<b class="none">{NO_LINES}') == 4
    assert "not known," not in page.split('id="how"')[0]


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param(None, id="none"),
        pytest.param({"text": "A: one\nB: one"}, id="a note"),
        pytest.param({"twinread": [{"readings": 7}]}, id="nonsense"),
    ],
)
def test_lines_of_another_model_have_a_text_but_neither_verdict_nor_readers(meta):
    made = task(1, [Work(("one", "one"), "two")])
    for part in (*made["predictions"][0]["result"], *made["annotations"][0]["result"]):
        part["meta"] = meta

    found = reported(made)
    tally = found.all
    assert (tally.agreed.of, tally.prefilled.lines, tally.found.hits) == (0, 1, 1)
    assert found.readers() == {}
    assert [by for _, _, by in found.top_confusions()] == [{"filled in": 1}]
    assert "<td>filled in<small>" in page_of(found)


NASTY = '</script><img src="http://evil.example/x.png" onerror=alert(1)>&"'


def test_the_page_needs_no_network_and_lets_no_text_be_markup():
    lines = [Work((NASTY, NASTY), NASTY), Work((NASTY, "b"), "b"), Work(("one", "one"), NASTY)]
    found = reported(task(1, lines), task(60, lines), task(90, lines, version=NASTY))
    page = page_of(found)

    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert '<img src="http' not in page
    assert "onerror=alert(1)>" not in page
    assert page.count("<svg") == 3
    for outside in ("@import", "<link", "<script"):
        assert outside not in page
    assert page == page_of(reported(task(1, lines), task(60, lines), task(90, lines, version=NASTY)))


def test_names_in_the_page_are_met_once_each():
    page = page_of(reported(*(task(hour, [Work(("one", "two"), "one")]) for hour in (1, 30, 60))))

    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    referred = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert {first or second for first, second in referred} <= set(names)
