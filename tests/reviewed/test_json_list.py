"""A large JSON list, item by item."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.reviewed.json_list import items_of

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=9,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(JSON_VALUES, max_size=5), st.sampled_from([None, 2]), st.booleans(), st.integers(1, 9))
def test_a_list_read_in_small_pieces_is_the_list(tmp_path_factory, items, indent, plain, chunk):
    path = tmp_path_factory.mktemp("list") / "list.json"
    path.write_text(json.dumps(items, indent=indent, ensure_ascii=plain), "utf-8", "surrogatepass")
    if not plain and any(0xD800 <= ord(char) < 0xE000 for char in path.read_text("utf-8", "surrogatepass")):
        return
    assert list(items_of(path, chunk=chunk)) == items


@pytest.mark.parametrize("chunk", [1, 1000])
@pytest.mark.parametrize("after", ["", " \n", "\r\n\t "])
def test_blanks_may_follow_the_list(tmp_path, after, chunk):
    (tmp_path / "list.json").write_text("[1, 2]" + after, "utf-8")
    assert list(items_of(tmp_path / "list.json", chunk=chunk)) == [1, 2]


@pytest.mark.parametrize("chunk", [1, 1000])
@pytest.mark.parametrize("after", ["[3]", "\n[3]\n", "]", ", 3]", " x"])
def test_what_follows_the_list_is_not_lost_without_a_word(tmp_path, after, chunk):
    (tmp_path / "list.json").write_text("[1, 2]" + after, "utf-8")
    with pytest.raises(ValueError, match="after 2 items: something follows the end of the list"):
        list(items_of(tmp_path / "list.json", chunk=chunk))
