"""The totals of a dataset as a page that lies in it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from converters.export.html import EXAMPLES, SHEET, PageSamples, page, visible
from converters.export.run import ExportOptions
from converters.export.totals import ExportTotals
from converters.export.write_page import PageOptions
from tests.parts.exported import PROJECT, run
from tests.parts.reviewed_tasks import annotation, rectangle, task

NASTY = [
    task(
        20,
        annotation(
            [
                *rectangle("good", "<script>alert(1)</script> & Co", (20, 10, 250, 26)),
                *rectangle("tab", "a\tb", (20, 50, 250, 26)),
                *rectangle("half", "\ud83d", (20, 90, 250, 26)),
                *rectangle("hidden", "a\u00adb", (20, 130, 250, 26)),
            ]
        ),
    ),
    task(21, predictions=[3]),
]


def written(folder):
    return (folder / "report.html").read_text("utf-8")


def tables(html):
    """The numbers of each table, in order; its last one is the sum."""
    sections = re.findall(r"<section>(.*?)</section>", html, re.DOTALL)
    return [
        [int(number.replace(",", "")) for number in re.findall(r'class="n">([\d,]+)<', section)]
        for section in sections
    ]


def test_every_table_adds_up_to_its_last_row(tmp_path):
    run(tmp_path / "set", [*PROJECT, *NASTY])
    found = tables(written(tmp_path / "set"))
    assert found == [[13, 1, 14], [13, 13], [37, 1, 1, 1, 40], [37, 1, 1, 1, 40]]
    assert all(sum(numbers[:-1]) == numbers[-1] for numbers in found)


def test_what_was_left_out_is_shown_with_its_reason_and_what_nobody_can_see(tmp_path):
    run(tmp_path / "set", NASTY)
    html = written(tmp_path / "set")
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in html
    assert "a⟨U+0009⟩b" in html
    assert "a⟨U+00AD⟩b" in html
    assert "only predicted, nobody has submitted it" in html


def test_the_crops_that_are_shown_lie_in_the_dataset_and_nothing_else_is_fetched(tmp_path):
    run(tmp_path / "set", PROJECT)
    sources = re.findall(r'(?:src|href)="([^"]*)"', written(tmp_path / "set"))
    assert len(sources) == SHEET
    assert all((tmp_path / "set" / source).is_file() for source in sources)


def test_the_same_dataset_gives_the_same_page_however_it_was_made(tmp_path):
    run(tmp_path / "one", PROJECT)
    first = written(tmp_path / "one")
    run(tmp_path / "two", reversed(PROJECT))
    assert written(tmp_path / "two") == first
    run(tmp_path / "one", PROJECT, ExportOptions(jobs=1, incremental=True))
    assert written(tmp_path / "one") == first


def test_without_recognition_there_are_no_crops_and_no_characters(tmp_path):
    run(tmp_path / "set", PROJECT[:2], ExportOptions(jobs=1, pages=PageOptions(format="detection")))
    html = written(tmp_path / "set")
    assert "Detection, by region" in html
    assert not any(
        words in html for words in ("Recognition, by region", "Rarest characters", "drawn at random")
    )


def test_rare_characters_come_first_by_name():
    html = page(ExportTotals(), PageOptions(), PageSamples(), Counter({"а": 30, "ё": 1}))
    assert "2 different characters" in html
    assert html.index("CYRILLIC SMALL LETTER IO") < html.index("CYRILLIC SMALL LETTER A<")


def test_examples_are_few_however_many_regions_were_left_out(tmp_path):
    many = annotation(
        [part for number in range(40) for part in rectangle(f"r{number}", None, (5, 5 + 7 * number, 90, 6))]
    )
    run(tmp_path / "set", [*PROJECT[:1], task(30, many)])
    assert len(re.findall(r"<td>30</td>", written(tmp_path / "set"))) == EXAMPLES


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Счёт № 1", "Счёт № 1"), ("a\nb", "a⟨U+000A⟩b"), ("\x00", "⟨U+0000⟩"), ("\ud83d", "⟨U+D83D⟩")],
)
def test_what_can_be_seen_stands_as_it_is(text, shown):
    assert visible(text) == shown
