"""The model version changes exactly when output can change: numbers kept beside what they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from backend.pipeline.version import STAGES as IN_THE_VERSION
from tests.parts import golden


@pytest.mark.parametrize("name", sorted(golden.STAGES))
def test_what_a_stage_makes_changes_with_its_number_and_never_without(name: str) -> None:
    stage = golden.STAGES[name]
    number, before = golden.kept(name)
    changed = golden.differences(before, stage.make())
    if number == stage.number:
        assert not changed, (
            f"{len(changed)} outputs of {name} are not what they were under number {number}, such as "
            f"{changed[0]!r}. If that is meant, raise {stage.where} and run: python -m tests.parts.golden"
        )
    raise_only = f"{stage.where} is {stage.number}, but {number} is kept: run python -m tests.parts.golden"
    assert number == stage.number, raise_only


def test_every_stage_of_the_version_is_held_against_what_it_makes() -> None:
    # the score's number is the digest of its weights, and changes by itself
    assert set(IN_THE_VERSION) - {"score"} <= set(golden.STAGES)


@pytest.mark.parametrize(
    ("before", "now", "differ"),
    [
        pytest.param("ё", "ё", False, id="the same text"),
        pytest.param("ё", "е", True, id="another text"),
        pytest.param(np.full((2, 2), 9, np.uint8), np.full((2, 2), 12, np.uint8), False, id="rounding"),
        pytest.param(np.full((2, 2), 9, np.uint8), np.full((2, 2), 13, np.uint8), True, id="another picture"),
        pytest.param(np.full((2, 2), 9, np.uint8), np.full((2, 3), 9, np.uint8), True, id="another size"),
        pytest.param(np.array([[1.0, 2]]), np.array([[3.9, 2]]), False, id="a corner near by"),
        pytest.param(np.array([[1.0, 2]]), np.array([[4.1, 2]]), True, id="a corner elsewhere"),
        pytest.param([1, "a"], (1, "a"), False, id="a tuple is a list in JSON"),
    ],
)
def test_outputs_are_compared_by_what_a_person_would_call_a_change(
    before: object, now: object, differ: bool
) -> None:
    assert bool(golden.differences({"x": before}, {"x": now})) is differ
    assert golden.differences({"x": before}, {}) == ["x"]
    assert golden.differences({}, {"x": now}) == ["x"]
