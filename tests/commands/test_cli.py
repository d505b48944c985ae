"""The summaries that commands write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.errors import OperatorError
from backend.outputs import write_summary


def test_a_summary_that_cannot_be_written_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    write_summary(tmp_path / "found.json", {"pages": 2})
    assert json.loads((tmp_path / "found.json").read_text("utf-8")) == {"pages": 2}
    with pytest.raises(OperatorError, match="no folder"):
        write_summary(tmp_path / "no folder" / "found.json", {})
