"""Under which of PaddleOCR's names a model loads."""

from __future__ import annotations

import pytest

from backend.errors import SettingsWrong
from backend.models.published import RECOGNISERS, base_of


def test_paddlexs_own_list_has_the_same_names() -> None:
    from paddlex.modules.text_recognition.model_list import MODELS

    assert sorted(RECOGNISERS) == sorted(MODELS)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        pytest.param("PP-OCRv6_small_rec", "PP-OCRv6_small_rec", id="its own"),
        pytest.param("squiddle_PP-OCRv6_medium_rec", "PP-OCRv6_medium_rec", id="a word before it"),
        pytest.param("ours-eslav_PP-OCRv5_mobile_rec", "eslav_PP-OCRv5_mobile_rec", id="the longest"),
        pytest.param("hebrew_PP-OCRv5_mobile_rec", "PP-OCRv5_mobile_rec", id="a language without a model"),
        pytest.param("PP-OCRv4_server_rec_doc", "PP-OCRv4_server_rec_doc", id="one that begins with another"),
        pytest.param("PP-OCRv6_small_rec_georgian", "PP-OCRv6_small_rec", id="a word behind it"),
        pytest.param(
            "PP-OCRv5_mobile_rec_to_PP-OCRv6_small_rec", "PP-OCRv6_small_rec", id="the end says more"
        ),
        pytest.param("PP-OCRv5_server_det", "PP-OCRv5_server_det", id="a detector"),
        pytest.param("ours", "ours", id="none at all: PaddleOCR says so"),
    ],
)
def test_a_foreign_name_loads_under_the_name_that_it_ends_in(name: str, base: str) -> None:
    assert base_of(name) == base


def test_a_name_that_stands_for_two_bases_is_refused() -> None:
    with pytest.raises(SettingsWrong, match="several of PaddleOCR's names") as caught:
        base_of("PP-OCRv6_small_rec_after_PP-OCRv5_mobile_rec_v2")
    assert caught.value.facts["held"] == ["PP-OCRv5_mobile_rec", "PP-OCRv6_small_rec"]
