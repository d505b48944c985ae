"""The state of rounds as everybody sees it, and the lock that lets one run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import OperatorError
from backend.rounds import RoundRunning, Rounds, RoundState

BEGAN = RoundState(
    project=3,
    number=7,
    state="running",
    step="train",
    started_at="2026-11-26T10:00:00+00:00",
    step_since="2026-11-26T10:05:00+00:00",
    log="rounds/3/7/train.log",
    started_by="Start training",
)


def write(rounds: Rounds, state: RoundState) -> None:
    rounds.round_folder(state.project, state.number).mkdir(parents=True, exist_ok=True)
    rounds.write(state)


def test_a_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    done = replace(
        BEGAN,
        state="done",
        outcome="promoted",
        commands={"train": ["train", "--minutes"]},
        finished=("export",),
    )
    write(rounds, done)
    assert rounds.state(3) == done


def test_where_no_round_ever_was_there_is_none(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path / "nowhere")
    assert (rounds.state(3), rounds.newest(), rounds.running_project(), rounds.numbers(3)) == (
        None,
        None,
        None,
        [],
    )
    rounds.check_idle()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"project": 3}', '{"format": 1}'])
def test_a_state_that_cannot_be_read_is_no_project_without_rounds(tmp_path: Path, content: str) -> None:
    rounds = Rounds(tmp_path)
    write(rounds, BEGAN)
    (tmp_path / "rounds/3/round.json").write_text(content)
    with pytest.raises(OperatorError, match=r"rounds/3/round.json in CACHE_DIR"):
        rounds.state(3)


def test_what_a_later_twinread_writes_more_is_no_reason_to_see_nothing(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    write(rounds, replace(BEGAN, state="done"))
    path = tmp_path / "rounds/3/round.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    assert rounds.state(3) == replace(BEGAN, state="done")


def test_a_round_runs_as_long_as_the_lock_is_held_and_is_stopped_without_it(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    with rounds.claimed(3):
        write(rounds, BEGAN)
        state = Rounds(tmp_path).state(3)
        assert state == BEGAN
        assert "train since 2026-11-26" in state.sentence
        assert rounds.running_project() == 3
    state = rounds.state(3)
    assert state is not None
    assert state.state == "stopped"
    assert state.outcome.endswith("go on with 'twinread round --project 3 --resume'.")


def test_another_projects_round_makes_this_ones_no_running_one(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    write(rounds, BEGAN)
    with rounds.claimed(4):
        state = rounds.state(3)
        assert state is not None
        assert state.state == "stopped"


def test_one_round_at_a_time_over_all_projects(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    with rounds.claimed(3):
        write(rounds, BEGAN)
        with pytest.raises(RoundRunning, match=r"Round 7 of project 3"), Rounds(tmp_path).claimed(4):
            pass
        with pytest.raises(RoundRunning):
            rounds.check_idle()
    with rounds.claimed(4):
        pass


def test_the_newest_is_the_one_that_runs_or_else_the_one_that_began_last(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    later = replace(BEGAN, project=4, state="done", started_at="2026-11-27T10:00:00+00:00")
    write(rounds, later)
    with rounds.claimed(3):
        write(rounds, BEGAN)
        assert rounds.newest() == BEGAN
    assert rounds.newest() == later


def test_what_is_shown_names_the_round_and_tells_no_place_on_the_server(tmp_path: Path) -> None:
    shown = BEGAN.shown
    assert (shown["round"], shown["step"], shown["state"]) == (7, "train", "running")
    assert shown["log"] == "rounds/3/7/train.log"
    assert "commands" not in shown


def test_rounds_are_counted_by_their_numbers(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    for name in ("2", "10", "dataset", "1"):
        (tmp_path / "rounds/3" / name).mkdir(parents=True)
    assert rounds.numbers(3) == [1, 2, 10]


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "rounds").write_text("a file")
    with pytest.raises(OperatorError, match="CACHE_DIR cannot be written"), Rounds(tmp_path).claimed(3):
        pass
