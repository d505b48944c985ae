"""Which evaluation is the best, and when a training has learned what it will."""

from __future__ import annotations

import pytest

from converters.training.early_stop import EarlyStop, Score


@pytest.mark.parametrize(
    ("scores", "best", "after"),
    [
        pytest.param([(0.2, 0), (0.5, 0), (0.7, 0.1)], [1, 1, 1], None, id="always better"),
        pytest.param([(0.5, 0.4), (0.6, 0.1)], [1, 1], None, id="characters count before whole lines"),
        pytest.param([(0.5, 0.1), (0.5, 0.2)], [1, 1], None, id="whole lines where characters are equal"),
        pytest.param([(0.5, 0.2), (0.5, 0.2)], [1, 0], None, id="equal is not better"),
        pytest.param([(0.5, 0), (0.4, 0), (0.3, 0)], [1, 0, 0], 3, id="two without a better one"),
        pytest.param([(0.5, 0), (0.4, 0), (0.6, 0), (0.3, 0)], [1, 0, 1, 0], None, id="it starts anew"),
    ],
)  # fmt: skip
def test_the_best_and_the_end(scores, best, after):
    stop = EarlyStop(patience=2)
    seen, ended = [], None
    for number, score in enumerate(scores, start=1):
        seen.append(int(stop.seen(Score(*score))))
        if stop.ends and ended is None:
            ended = number
    assert seen == best
    assert ended == after


def test_without_patience_it_never_ends():
    stop = EarlyStop(patience=0)
    for _ in range(100):
        stop.seen(Score(0.1, 0))
    assert not stop.ends


def test_the_best_before_a_resume_is_the_one_to_beat():
    stop = EarlyStop(2, best=Score(0.9, 0.5))
    assert not stop.seen(Score(0.8, 0.6))
    assert stop.seen(Score(0.9, 0.6))
