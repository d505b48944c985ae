"""A round from its first step to its last, with steps that do as a script says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.errors import BadRequest
from backend.rounds import Rounds, RoundState
from converters.rounds.round import RoundRequest, Watcher, run_round
from converters.rounds.steps import NAMES, Judged
from tests.parts.scripted_steps import ScriptedSteps


def run(folder: Path, steps: ScriptedSteps, **request: Any) -> tuple[RoundState, int]:
    return run_round(Rounds(folder), RoundRequest(3, **request), steps)


def exported(lines: int, *, new: int, written: bool = True) -> dict[str, Any]:
    """What `export` says of a dataset of so many lines."""
    difference = {"added": new, "changed": 0, "removed": 0}
    rows = {"rec_gt_train.txt": lines}
    return {
        "summary": {"written": written, "tasks": {"read": 9}, "rows": rows, "difference": difference},
        "code": 0 if written else 1,
    }


def test_a_round_runs_its_steps_in_order_and_leaves_a_sentence(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script")
    state, code = run(tmp_path, steps)
    assert steps.ran == ["export", "check", "train", "export-model", "evaluate", "promote"] == list(NAMES)
    assert (state.state, state.promoted, code) == ("done", True, 0)
    assert state.outcome == "promoted: CER 12.4 -> 9.1 % on 23 pages"
    written = json.loads((tmp_path / "rounds/3/round.json").read_text("utf-8"))
    assert written["outcome"] == state.outcome
    assert (tmp_path / "rounds/3/1/round.json").read_text("utf-8") == (
        tmp_path / "rounds/3/round.json"
    ).read_text("utf-8")


def test_each_step_gets_what_the_one_before_made(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script")
    run(tmp_path, steps)
    here = f"{tmp_path}/rounds/3"
    given = [" ".join(call).replace(here, "3") for call in steps.calls]
    assert given == [
        "export --project 3 --out 3/dataset --format recognition --split 7:1:2 --incremental "
        "--summary-json 3/1/export.json",
        "check 3/dataset --summary-json 3/1/check.json",
        "train 3/dataset --out 3/1/run --summary-json 3/1/train.json",
        "export-model 3/1/run --out 3/1/model --replace --summary-json 3/1/export-model.json",
        "evaluate 3/1/model 3/dataset --part test --against current --html 3/1/evaluation.html "
        "--summary-json 3/1/evaluate.json",
        "promote 3/1/model --dataset 3/dataset --summary-json 3/1/promote.json",
    ]


def test_every_round_has_folders_of_its_own_and_all_share_one_dataset(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script")
    run(tmp_path, steps)
    state, _ = run(tmp_path, steps)
    assert state.number == 2
    datasets = {call[call.index("--out") + 1] for call in steps.calls if call[0] == "export"}
    assert datasets == {f"{tmp_path}/rounds/3/dataset"}
    runs = [call[call.index("--out") + 1] for call in steps.calls if call[0] == "train"]
    assert runs == [f"{tmp_path}/rounds/3/1/run", f"{tmp_path}/rounds/3/2/run"]


def test_own_options_go_to_their_step_and_never_win_over_the_rounds(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script")
    run(tmp_path, steps, options={"train": ["--minutes", "60", "--out", "/elsewhere"]})
    train = next(call for call in steps.calls if call[0] == "train")
    assert train[1:5] == ["--minutes", "60", "--out", "/elsewhere"]
    # click takes the last
    assert train[train.index(f"{tmp_path}/rounds/3/1/run") - 1] == "--out"
    assert train.index(f"{tmp_path}/rounds/3/1/run") > 4


@pytest.mark.parametrize("step", NAMES)
def test_a_step_that_fails_ends_the_round_with_its_own_sentence_and_exit_code(
    tmp_path: Path, step: str
) -> None:
    said = ["reading", "twinread: The disk is full: 12 MB are left.", "Make room, and start again."]
    steps = ScriptedSteps.in_folder(tmp_path / "script", **{step: {"code": 3, "says": said}})
    state, code = run(tmp_path, steps)
    sentence = "The disk is full: 12 MB are left. Make room, and start again."
    assert (state.state, state.outcome, code) == ("failed", f"stopped at {step}: {sentence}", 3)
    assert steps.ran[-1] == step
    assert not state.promoted


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        pytest.param({"code": 1, "says": ["Steps: 0", "No step."]}, "No step.", id="its last line"),
        pytest.param({"code": 1}, "it ended with exit code 1 and said nothing.", id="no line at all"),
        pytest.param({"code": 2, "says": ["Usage: x", "Error: No such option"]}, "No such", id="usage"),
        pytest.param({"kills": 9}, "ended by signal 9 (Killed); the kernel does so", id="killed"),
    ],
)
def test_a_step_that_ends_without_an_error_of_ours_still_has_a_sentence(
    tmp_path: Path, told: dict[str, Any], sentence: str
) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", train=told)
    state, code = run(tmp_path, steps)
    assert state.outcome.startswith("stopped at train: ")
    assert sentence in state.outcome
    assert code != 0


def test_a_model_that_is_not_better_is_a_good_end_that_promotes_nothing(tmp_path: Path) -> None:
    why = "12 pages were never trained on, and 20 are needed."
    steps = ScriptedSteps.in_folder(
        tmp_path / "script", promote={"code": 1, "summary": {"promoted": False, "sentence": why}}
    )
    state, code = run(tmp_path, steps)
    assert (state.state, state.outcome, state.promoted, code) == (
        "done",
        f"not promoted: {why}",
        False,
        1,
    )


def test_where_nothing_is_approved_nothing_is_trained(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", export=exported(0, new=0, written=False))
    state, code = run(tmp_path, steps)
    assert steps.ran == ["export"]
    assert state.outcome.startswith("stopped at export: no line is approved yet in the 9 tasks")
    assert code == 1


def test_images_that_cannot_be_had_are_named_and_the_round_goes_on(tmp_path: Path) -> None:
    summary = {**exported(40, new=3)["summary"], "pages_without_image": 2}
    steps = ScriptedSteps.in_folder(tmp_path / "script", export={"code": 1, "summary": summary})
    notes: list[str] = []

    def ends(state: RoundState, judged: Judged) -> None:
        notes.extend(judged.notes)

    state, _ = run_round(Rounds(tmp_path), RoundRequest(3), steps, Watcher(ends=ends))
    assert state.promoted
    assert notes == [
        "40 lines, 3 of them new or changed.",
        "The images of 2 pages could not be had; the log says why.",
    ]


def test_too_few_new_lines_train_nothing_and_are_kept_in_mind_for_the_next_round(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", export=exported(300, new=300))
    state, code = run(tmp_path, steps, least_lines=500)
    assert steps.ran == ["export"]
    assert (state.state, code, state.waiting_lines) == ("done", 0, 300)
    assert state.outcome.startswith("not trained: 300 lines are new")
    steps.tell(export=exported(450, new=150))
    state, _ = run(tmp_path, steps, least_lines=500)
    assert (steps.ran, state.waiting_lines) == (["export"] * 2, 450)
    steps.tell(export=exported(500, new=50))
    state, _ = run(tmp_path, steps, least_lines=500)
    assert steps.ran[2:] == list(NAMES)
    assert (state.promoted, state.waiting_lines) == (True, 0)


def test_lines_are_counted_from_the_newest_change_that_the_export_saw(tmp_path: Path) -> None:
    summary = {**exported(40, new=40)["summary"], "newest_change": "2026-11-26T10:00:00.5Z"}
    steps = ScriptedSteps.in_folder(tmp_path / "script", export={"summary": summary})
    state, _ = run(tmp_path, steps)
    assert state.counted_from == "2026-11-26T10:00:00.5Z"
    steps.tell(export={"code": 3, "says": ["twinread: Label Studio does not answer."]})
    state, _ = run(tmp_path, steps)
    # the same lines do not start a second round that fails alike
    assert state.counted_from == state.started_at


@pytest.mark.parametrize("step", NAMES)
def test_what_failed_goes_on_at_that_step_with_the_options_that_it_began_with(
    tmp_path: Path, step: str
) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", **{step: {"code": 3, "tries": [1]}})
    run(tmp_path, steps, options={"train": ["--minutes", "60", "--lr", "0.1", "--base=ru"]})
    state, code = run(tmp_path, steps, resume=True)
    assert (state.number, state.state, code) == (1, "done", 0)
    assert steps.ran == [*NAMES[: NAMES.index(step) + 1], *NAMES[NAMES.index(step) :]]
    trained = [call for call in steps.calls if call[0] == "train"]
    assert all(call[1:3] == ["--minutes", "60"] for call in trained)
    # a run that goes on takes no options that it was composed with
    given = [["--lr" in call, "--base=ru" in call, "--resume" in call] for call in trained]
    new, again = [True, True, False], [False, False, True]
    assert given == ([new, again] if step == "train" else [new])


def test_a_training_that_was_stopped_before_it_was_composed_begins_anew(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", train={"code": 3, "tries": [1]})
    run(tmp_path, steps)
    (tmp_path / "rounds/3/1/run/config.yml").unlink()
    run(tmp_path, steps, resume=True)
    assert [call for call in steps.calls if "--resume" in call] == []


@pytest.mark.parametrize("before", [0, 1], ids=["no round yet", "one that is done"])
def test_there_is_nothing_to_go_on_with_where_no_round_was_stopped(tmp_path: Path, before: int) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script")
    for _ in range(before):
        run(tmp_path, steps)
    with pytest.raises(BadRequest, match="nothing to go on with"):
        run(tmp_path, steps, resume=True)
    assert len(steps.ran) == before * len(NAMES)


def test_the_log_of_a_step_begins_with_its_command_and_keeps_every_try(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(
        tmp_path / "script", evaluate={"code": 3, "says": ["twinread: No page to judge by."], "tries": [1]}
    )
    run(tmp_path, steps)
    state, _ = run(tmp_path, steps, resume=True)
    log = (tmp_path / "rounds/3/1/evaluate.log").read_text("utf-8").splitlines()
    assert [line.startswith("$ ") for line in log] == [True, False, True]
    assert " evaluate " in log[0]
    assert log[1] == "twinread: No page to judge by."
    assert state.log == "rounds/3/1/promote.log"
