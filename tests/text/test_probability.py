"""How likely a text is right: which way each piece of evidence counts, with the shipped weights."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

import pytest

from backend.page.lines import Reading
from backend.page.print_quality import PrintQuality
from backend.text.comparison import compare
from backend.text.probability import (
    LineFacts,
    agreed_evidence,
    disputed_evidence,
    probabilities,
    probability,
    shipped,
)

CLEAN = PrintQuality(contrast=0.9, sharpness=0.8, grain=0.0)
FACTS = LineFacts((400, 40), 0.9, CLEAN)
TEXT = "Счёт на оплату"


def compared(*readings):
    """Readings as (family, text, score); each of a reader of its own."""
    made = [Reading(f"r{place}", text, score) for place, (_, text, score) in enumerate(readings)]
    return compare(
        made,
        crop_size=(400, 40),
        language="ru",
        must_agree=2,
        prompts=(),
        families={f"r{place}": family for place, (family, _, _) in enumerate(readings)},
        style="house",
        ink_length=None,
        witnesses=(),
    )


def agreed(*readings, facts=FACTS, unsettled=0):
    """How likely what two or more of them say is right."""
    line = compared(*readings)
    return probability(agreed_evidence(line.supporters, line.against(line.supporters), unsettled, facts))


def disputed(*readings, facts=FACTS):
    """How likely each different text of them is right."""
    line = compared(*readings)
    options = [
        disputed_evidence(each, line.candidates, line.readings, "ru", facts) for each in line.different
    ]
    return probabilities(options)


def twice(family, first, second=None, text=TEXT):
    """Two readings of one family that say the same."""
    return (family, text, first), (family, text, first if second is None else second)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        pytest.param(twice("Tesseract", 0.9), twice("Tesseract", 0.4), id="Tesseract's lowest word"),
        pytest.param(twice("PP-OCR", 0.99), twice("PP-OCR", 0.8), id="PP-OCR's own score"),
        pytest.param(twice("ERNIE", 0.9), twice("ERNIE", 0.4), id="ERNIE's, by a weight set by hand"),
        pytest.param(twice("ERNIE", None), twice("ERNIE", 0.4), id="no score against a low one"),
        pytest.param(
            (("Tesseract", TEXT, 0.9), ("ERNIE", TEXT, None)), twice("Tesseract", 0.9), id="another family"
        ),
        pytest.param(
            twice("PP-OCR", 0.9), (*twice("PP-OCR", 0.9), ("PP-OCR", "Счёт на оплате", 0.9)), id="dissent"
        ),
        pytest.param(twice("ERNIE", None), twice("ERNIE", None, text="Счёт |~ оплату"), id="rare signs"),
        pytest.param(
            twice("ERNIE", None), twice("ERNIE", None, text="СчёТ на оплату"), id="a capital inside"
        ),
        pytest.param(twice("ERNIE", None, text="Стол"), twice("ERNIE", None, text="1234"), id="digits alone"),
    ],
)
def test_what_makes_an_agreed_text_likelier(more, less):
    assert 0 < agreed(*less) < agreed(*more) < 1


@pytest.mark.parametrize(
    ("facts", "unsettled"),
    [
        pytest.param(LineFacts((400, 40), 0.5, CLEAN), 0, id="a detector that is unsure"),
        pytest.param(LineFacts((130, 13), 0.9, CLEAN), 0, id="small print"),
        pytest.param(LineFacts((2000, 40), 0.9, CLEAN), 0, id="few letters for its length"),
        pytest.param(LineFacts((400, 40), 0.9, PrintQuality(0.9, 0.1, 0.0)), 0, id="blurred"),
        pytest.param(LineFacts((400, 40), 0.9, PrintQuality(0.1, 0.8, 0.0)), 0, id="faint"),
        pytest.param(FACTS, 2, id="marks that no rule settles"),
    ],
)
def test_a_poor_line_makes_an_agreed_text_less_likely(facts, unsettled):
    readings = twice("ERNIE", None)
    assert agreed(*readings, facts=facts, unsettled=unsettled) < agreed(*readings)


@pytest.mark.parametrize(
    ("likelier", "other"),
    [
        pytest.param(("Tesseract", TEXT, 0.9), ("Tesseract", "Счёт на оплате", 0.3), id="a surer word"),
        pytest.param(("PP-OCR", TEXT, 0.99), ("PP-OCR", "Счёт на оплате", 0.7), id="a surer recogniser"),
        pytest.param(("ERNIE", TEXT, None), ("ERNIE", "Счёт |~ оплату", None), id="no rare signs"),
        pytest.param(("ERNIE", TEXT, None), ("ERNIE", "Cuёт ha onлaty", None), id="letters of the language"),
        pytest.param(("ERNIE", TEXT, None), ("ERNIE", "|Счёт на оплату", None), id="no mark at an edge"),
    ],
)
def test_which_of_two_texts_is_likelier(likelier, other):
    first, second = disputed(likelier, other)
    assert first > second
    second, first = disputed(other, likelier)
    assert first > second


def test_a_text_that_a_second_family_supports_is_likelier():
    alone, supported = disputed(
        ("ERNIE", "Счёт на оплате", None), ("ERNIE", TEXT, None), ("Tesseract", TEXT, 0.6)
    )
    assert supported > alone


def test_at_most_one_of_different_texts_is_right():
    chances = disputed(*((f"engine {place}", f"Счёт {place}", 1.0) for place in range(6)))
    assert len(chances) == 6
    assert sum(chances) <= 1


def test_the_shipped_weights_are_those_that_their_digest_names():
    read = json.loads(resources.files("backend.text").joinpath("score_weights.json").read_text("utf-8"))
    decisive = json.dumps([read["weights"], read["threshold"]], sort_keys=True)
    assert hashlib.sha256(decisive.encode()).hexdigest()[:8] == read["digest"] == shipped().digest
    assert {"made by", "date", "lines", "pages"} <= read["provenance"].keys()


@pytest.mark.parametrize("case", ["agreed", "disputed"])
def test_every_weight_has_its_evidence(case):
    evidence = {
        "agreed": agreed_evidence(compared(*twice("ERNIE", None)).supporters, [], 0, FACTS),
        "disputed": disputed_evidence(
            compared(*twice("ERNIE", None)).candidates[0],
            compared(*twice("ERNIE", None)).candidates,
            [],
            "ru",
            FACTS,
        ),
    }[case]
    assert shipped().weights[case].keys() == {"bias", *evidence}
