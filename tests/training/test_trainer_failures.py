"""Each failure that was provoked or that people met, as the trainer showed it, and the sentence for it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import yaml

from converters.training.early_stop import EarlyStop
from converters.training.history import History
from converters.training.run_folder import RunFolder
from converters.training.trainer_failures import FAILURES, PREVENTED
from converters.training.trainer_process import Limits, TrainerProcess
from converters.training.training_loop import Standing, Trained
from converters.training.training_loop import train as run_training
from tests.parts.scripted_trainer import Action, hang, leave, say, scripted, train

QUICK = Limits(start_s=1.5, silence_s=1, stop_s=0.3, look_every_s=0.02)
RECURSION = "RecursionError: maximum recursion depth exceeded while calling a Python object"
NOT_MATCHED = (
    "ppocr WARNING: The shape of model params head.gtc_head.tgt_word_prj.weight [384, 91] not matched with "
    "loaded params head.gtc_head.tgt_word_prj.weight [384, 18389] !"
)


def trained(folder: Path, *actions: Action, epochs: int = 2, resume: bool = False) -> Trained:
    """What becomes of a run whose trainer does this."""
    run = RunFolder(folder)
    run.note(state="training")
    overall = {"epoch_num": epochs, "save_model_dir": str(run.checkpoints)}
    if resume:
        overall["checkpoints"] = str(run.latest)
    run.config.write_text(yaml.safe_dump({"Global": overall}), "utf-8")
    command = [*scripted(folder / "source", *actions), str(run.config)]
    process = TrainerProcess(command, folder, os.environ, run.log, QUICK)
    return run_training(process, run, EarlyStop(5), Standing(History(), epochs), [])


def error(*lines: str) -> list[Action]:
    """A traceback with these last lines, and exit code 1."""
    return [say("Traceback (most recent call last):", '  File "tools/train.py", line 1', *lines), leave(1)]


SEEN = [
    pytest.param(
        "no GPU for Paddle",
        error("AttributeError: 'ParallelEnv' object has no attribute '_device_id'"),
        "sees none. Train with --device cpu",
        id="no GPU",
    ),
    pytest.param(
        "starting weights are gone",
        error("AssertionError: The /no/eslav_pretrained.pdparams does not exists!"),
        "/no/eslav_pretrained.pdparams are not there",
        id="no starting weights",
    ),
    pytest.param(
        "download by the trainer",
        error("RuntimeError: Download from http://x/y.tar failed. Retry limit reached"),
        "could not download http://x/y.tar",
        id="download",
    ),
    pytest.param(
        "options behind -o",
        error("ValueError: too many values to unpack (expected 2)"),
        "behind -o",
        id="options",
    ),
    pytest.param(
        "empty training list",
        [say("[2026] ppocr ERROR: No Images in train dataset, please ensure"), leave(0)],
        "lists/train.txt is empty",
        id="empty list, exit code 0",
    ),
    pytest.param(
        "list is gone",
        error("FileNotFoundError: [Errno 2] No such file or directory: '/r/rec_gt_train.txt'"),
        "The list /r/rec_gt_train.txt is not there",
        id="no list",
    ),
    pytest.param(
        "no usable row",
        [say(RECURSION), hang()],
        "each text is longer than it takes",
        id="texts too long, hangs",
    ),
    pytest.param(
        "images are gone",
        [say("Exception: /r/no/6.png does not exist!", RECURSION), hang()],
        "/r/no/6.png is not there",
        id="no image, hangs",
    ),
    pytest.param(
        "no first step",
        [say("ppocr INFO: valid dataloader has 2 iters"), hang()],
        "before its first step",
        id="broken images, hangs without a word",
    ),
    pytest.param(
        "silent in the middle",
        [train([0.1], until=1), hang()],
        "go on with --resume",
        id="hangs in the middle",
    ),
    pytest.param(
        "empty evaluation list",
        error("ValueError: num_samples should be a positive integer, but got num_samples=0"),
        "lists/val.txt is empty",
        id="empty val list",
    ),
    pytest.param(
        "dictionary is gone",
        error("FileNotFoundError: [Errno 2] No such file or directory: './ppocr/utils/dict/none.txt'"),
        "The dictionary ./ppocr/utils/dict/none.txt",
        id="no dictionary",
    ),
    pytest.param(
        "weights of another dictionary",
        [say(NOT_MATCHED), train([0.0])],
        "do not fit the network",
        id="weights of another dictionary, exit code 0",
    ),
    pytest.param(
        "nothing to resume from",
        error("AssertionError: The /r/checkpoints/latest.pdparams does not exists!"),
        "nothing to go on from",
        id="nothing to resume",
    ),
    pytest.param(
        "config is no YAML",
        error("AssertionError: only support yaml files for now"),
        "YAML",
        id="json config",
    ),
    pytest.param(
        "loss is no number", [train([0.0], ctc="nanxxx")], "a tenth of it (--lr)", id="nan, exit code 0"
    ),
    pytest.param(
        "loss is no number", [train([0.0], ctc="infxxx")], "a tenth of it (--lr)", id="infinite, exit code 0"
    ),
    pytest.param(
        "memory",
        error("MemoryError: (ResourceExhausted) Fail to alloc memory of 14745600 size, error code is 12."),
        "--batch half",
        id="memory",
    ),
    pytest.param(
        "GPU memory",
        error("ResourceExhaustedError: ", "Out of memory error on GPU 0. Cannot allocate 129.39MB memory"),
        "--batch half",
        id="GPU memory",
    ),
    pytest.param(
        "killed by the system",
        [train([0.1], until=1), leave(-signal.SIGKILL)],
        "memory ran out",
        id="OOM killer",
    ),
    pytest.param(
        "disk full", error("OSError: [Errno 28] No space left on device"), "disk is full", id="disk full"
    ),
    pytest.param(
        "stopped from outside",
        [
            train([0.1], until=1),
            say(
                "FatalError: `Termination signal` is detected by the operating system.",
                "  [SignalInfo: *** SIGTERM",
            ),
            leave(-signal.SIGTERM),
        ],
        "stopped from outside",
        id="SIGTERM from outside, with a C++ trace",
    ),
    pytest.param(
        "loader processes died",
        [train([0.1], until=1), *error("RuntimeError: DataLoader 8 workers exit unexpectedly, pids: 1, 2")],
        "--shm-size",
        id="loaders died",
    ),
    pytest.param(
        "no best model to export",
        error("AssertionError: The /r/best_accuracy.pdparams does not exists!"),
        "--from latest",
        id="no best",
    ),
    pytest.param(
        "lines that are too long to learn",
        [train([0.0], ctc="0.000000")],
        "40 steps",
        id="lines too long, exit code 0",
    ),
    pytest.param(
        "folder's place is taken",
        error("FileExistsError: [Errno 17] File exists: '/r/checkpoints'"),
        "/r/checkpoints is a file",
        id="a file in the folder's place",
    ),
    pytest.param(
        "unknown section",
        error("AssertionError: the sub_keys can only be one of global_config"),
        "does not know a section",
        id="unknown section",
    ),
    pytest.param(
        "trainer without its networks",
        error("ModuleNotFoundError: No module named 'ppocr.modeling'"),
        "Leave --paddleocr out",
        id="the package alone",
    ),
    pytest.param(
        "no evaluation",
        [say("ppocr INFO: No Images in eval dataset, evaluation during training will be disabled"), leave(0)],
        "best model could be chosen",
        id="nothing to evaluate",
    ),
    pytest.param(
        "export without its name",
        error("KeyError: 'Global'"),
        "which model it is",
        id="export without its name",
    ),
    pytest.param(
        "decoder of another version",
        error("KeyError: 'NRTRLabelDecode'"),
        "no NRTRLabelDecode",
        id="another version",
    ),
    pytest.param(
        "no GPU for Paddle",
        error("AttributeError: 'ParallelEnv' object has no attribute '_device_id'"),
        "--device cpu",
        id="fine-tuning on a CPU",
    ),
    pytest.param(
        "shared memory",
        error(
            "Unexpected BUS error encountered in DataLoader worker. This might be caused by "
            "insufficient shared memory (shm)"
        ),
        "--shm-size",
        id="shared memory",
    ),
    pytest.param("bus error", [train([0.1], until=1), leave(-signal.SIGBUS)], "bus error", id="SIGBUS"),
    pytest.param(
        "row without text",
        error("    label = substr[1]", "IndexError: list index out of range"),
        "no text behind its image",
        id="a row without text",
    ),
    pytest.param(
        "encoder without the CTC label",
        error("KeyError: 'label_ctc'"),
        "without label_ctc",
        id="no CTC label",
    ),
    pytest.param(
        "decoding by another dictionary",
        error(
            '  File "ppocr/postprocess/rec_postprocess.py", line 90, in decode',
            "IndexError: list index out of range",
        ),
        "other classes",
        id="wrong dictionary",
    ),
    pytest.param(
        "name that PaddleOCR does not know",
        error("UnsupportedParamError: 'en_mobile' is not a registered model name."),
        "the model name en_mobile",
        id="unknown name",
    ),
    pytest.param("nothing learned", [train([0.01])], "no use", id="acc 0 at the end, exit code 0"),
    pytest.param("no step", [leave(0)], "without one step", id="nothing at all, exit code 0"),
    pytest.param("crash", [leave(-signal.SIGSEGV)], "segmentation fault", id="crash"),
    pytest.param("processor too old", [leave(-signal.SIGILL)], "AVX", id="old processor"),
    pytest.param(
        "unknown",
        error("TypeError: foo() missing 1 required positional argument"),
        "exit code 1, and its last words are: TypeError: foo() missing",
        id="unknown",
    ),
    pytest.param(
        "no checkpoint",
        [
            say(
                "ppocr INFO: epoch: [1/1], global_step: 1, lr: 0.001, CTCLoss: 9.0, loss: 9.0, "
                "avg_reader_cost: 0.1 s, avg_batch_cost: 1.0 s"
            ),
            leave(0),
        ],
        "left no whole model",
        id="steps and no checkpoint, exit code 0",
    ),
]


@pytest.mark.parametrize(("name", "actions", "words"), SEEN)
def test_a_failure_is_one_sentence_with_its_cure(tmp_path, name, actions, words):
    done = trained(tmp_path, *actions)
    assert done.why is not None
    assert done.why.name == name
    assert words in done.why.sentence
    assert "\n" not in done.why.sentence


def test_all_that_was_provoked_and_most_of_what_people_met_is_known():
    known = {number for row in FAILURES for number in row.known_as} | set(PREVENTED)
    # 16 and 18 are no failures: runs that were compared, and a resume that went well
    provoked = {f"4.{number}" for number in range(1, 30) if number not in (16, 18)} | {"4.sdist"}
    assert provoked <= known
    assert len([number for number in known if number.startswith("A6.")]) >= 20


def test_every_row_of_the_table_is_shown_here():
    shown = {case.values[0] for case in SEEN}
    assert shown - {"unknown"} == {row.name for row in FAILURES} - {"already finished"}


def test_a_good_run_is_no_failure(tmp_path):
    done = trained(tmp_path, train([0.2, 0.6]))
    assert done.why is None
    assert (done.made.steps, done.made.first_ctc, done.made.learned) == (4, 160.0, 0.6)


def test_a_run_that_does_its_work_may_mention_an_error_on_its_way(tmp_path):
    assert trained(tmp_path, say("MemoryError: one worker was started again"), train([0.6])).why is None


def test_a_resume_with_nothing_left_to_do(tmp_path):
    assert trained(tmp_path, train([0.5])).why is None
    done = trained(tmp_path, train([0.5]), resume=True)
    assert done.why is not None
    assert done.why.name == "already finished"
