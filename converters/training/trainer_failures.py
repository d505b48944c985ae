"""Why a training failed, in one sentence with its cure: one table for all that PaddleOCR's trainer does.

A training is judged by what it made, never by the exit code alone: seven of these failures end with 0, and
three never end. The first row of `FAILURES` that fits is said.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from converters.training.trainer_process import Ending

MOST_REFUSED_WEIGHTS = 0
"""Layers whose starting weights the trainer may leave out; those that twinread writes fit all of them."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a training came to, beside its log.

    steps: of the optimiser, as the log told them.
    first_ctc: CTCLoss of the first step that the log has; None where there is none.
    finite: every loss was a finite number.
    refused: layers that the trainer left at random because the starting weights did not fit.
    resumed: it went on from a checkpoint.
    checkpoint: there is a checkpoint newer than its start that is whole.
    learned: the best norm_edit_dis of its evaluations; None without any.
    """

    steps: int = 0
    first_ctc: float | None = None
    finite: bool = True
    refused: tuple[str, ...] = ()
    resumed: bool = False
    checkpoint: bool = False
    learned: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trainer's process ended: as `TrainerProcess` has it."""

    ending: Ending
    code: int
    tail: Sequence[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of the table; what is left out fits everything.

    name: what it is called in tests and in `run.json`.
    known_as: its number in our records: "4.x" of the thirty that were provoked, "A6.x" of the classes that
        people meet.
    sentence: what is said; `{name}` stands for a group of `text`.
    text: found in one of the last lines of the log.
    code: of the process.
    endings: of the process.
    made: of the training.
    """

    name: str
    known_as: tuple[str, ...]
    sentence: str
    text: re.Pattern[str] | None = None
    code: int | None = None
    endings: tuple[Ending, ...] = ()
    made: Callable[[Made], bool] | None = None


_MEMORY = (
    "The training wants more memory than there is. Give --batch half of what it was (run.json, plan) and "
    "start again with --resume left out, or free memory that other programs hold."
)
_ROWS = (
    "The trainer found no line that it can learn from and looked for one without end: each text is longer "
    "than it takes. Run `twinread check DATASET`; it names the rows."
)
_HUNG = (Ending.SILENT, Ending.NO_START)
_SEARCHED = (Ending.SEARCHED, *_HUNG)

FAILURES: tuple[Failure, ...] = (
    # what the log says
    Failure(
        "no GPU for Paddle", ("4.1", "A6.10", "A6.11"),
        "Paddle was asked to use a GPU and sees none. Train with --device cpu, or install paddlepaddle-gpu "
        "in the trainer's environment.",
        re.compile(r"'ParallelEnv' object has no attribute '_device_id'"),
    ),
    Failure(
        "trainer without its networks", ("4.sdist",),
        "This PaddleOCR has no module ppocr.{module}: the package lacks what training needs. Leave "
        "--paddleocr out, so that twinread puts a whole trainer together, or name a checkout of v3.7.0.",
        re.compile(r"No module named 'ppocr\.(?P<module>\w+)"),
    ),
    Failure(
        "nothing to resume from", ("4.14",),
        "The checkpoint {path} is gone, so there is nothing to go on from. Start a new run in another "
        "folder.",
        re.compile(r"AssertionError: The (?P<path>\S*latest)\.pdparams does not exists!"),
    ),
    Failure(
        "no best model to export", ("4.23", "A6.13"),
        "There is no best model, because no evaluation was finished. Export the newest one with --from "
        "latest, or train longer.",
        re.compile(r"AssertionError: The \S*(?:best_accuracy|best/best)\.pdparams does not exists!"),
    ),
    Failure(
        "starting weights are gone", ("4.2",),
        "The starting weights {path}.pdparams are not there. Start a new run, which makes them anew, or name "
        "others with --base.",
        re.compile(r"AssertionError: The (?P<path>.+)\.pdparams does not exists!"),
    ),
    Failure(
        "download by the trainer", ("4.3",),
        "The trainer could not download {url}. Download it yourself and name the file with --base.",
        re.compile(r"Download from (?P<url>\S+) failed\. Retry limit reached"),
    ),
    Failure(
        "options behind -o", ("4.4", "4.5", "A6.23"),
        "The trainer was given settings behind -o that it cannot take apart. twinread gives it one file and "
        "no -o: start it with `twinread train` alone.",
        re.compile(r"ValueError: too many values to unpack \(expected 2\)"),
    ),
    Failure(
        "unknown section", ("4.28",),
        "The trainer does not know a section of its settings, so config.yml is not of this PaddleOCR. Start "
        "a new run, which writes it anew.",
        re.compile(r"AssertionError: the sub_keys can only be one of global_config"),
    ),
    Failure(
        "config is no YAML", ("4.15",),
        "The trainer takes its settings from a YAML file alone. Start it with `twinread train`, which writes "
        "config.yml.",
        re.compile(r"AssertionError: only support yaml files for now"),
    ),
    Failure(
        "empty training list", ("4.6",),
        "There is no line to train on: lists/train.txt is empty. Export the dataset with a larger share for "
        "train, such as --split 8:1:1.",
        re.compile(r"No Images in train dataset"),
    ),
    Failure(
        "empty evaluation list", ("4.11",),
        "There is no line to evaluate on: lists/val.txt is empty. Export the dataset with some pages for "
        "val, such as --split 6:2:2.",
        re.compile(r"num_samples should be a positive integer(?: value)?, but got num_samples=0"),
    ),
    Failure(
        "no evaluation", ("4.11",),
        "There is no line to evaluate on, so no best model could be chosen. Export the dataset with some "
        "pages for val, such as --split 6:2:2.",
        re.compile(r"No Images in eval dataset"),
    ),
    Failure(
        "dictionary is gone", ("4.12", "A6.20"),
        "The dictionary {path} is not there. Start a new run, which writes dict.txt into its folder.",
        re.compile(r"FileNotFoundError: .*?'(?P<path>[^']*dict[^']*\.txt)'"),
    ),
    Failure(
        "list is gone", ("4.7",),
        "The list {path} is not there. Start a new run, which writes its lists anew, and leave the folder as "
        "it is while it runs.",
        re.compile(r"FileNotFoundError: .*?'(?P<path>[^']*\.txt)'"),
    ),
    Failure(
        "folder's place is taken", ("4.27",),
        "{path} is a file where the trainer wants a folder. Move it away, or name another folder with --out.",
        re.compile(r"FileExistsError: .*?'(?P<path>[^']*)'"),
    ),
    Failure(
        "disk full", ("4.21",),
        "The disk is full. Make room (a run needs about 12 times the size of its base.pdparams), then go on "
        "with --resume: the best model so far is kept.",
        re.compile(r"\[Errno 28\] No space left on device"),
    ),
    Failure(
        "shared memory", ("A6.12",),
        "The loaders have too little shared memory (/dev/shm). Give the container --shm-size=8G, then go on "
        "with --resume.",
        re.compile(r"Unexpected BUS error encountered in DataLoader|insufficient shared memory"),
    ),
    Failure(
        "GPU memory", ("4.20", "A6.2", "A6.24"),
        _MEMORY,
        re.compile(r"Out of memory error on GPU|ResourceExhaustedError"),
    ),
    Failure(
        "memory", ("4.20", "A6.24"),
        _MEMORY,
        re.compile(r"MemoryError|Fail to alloc memory|std::bad_alloc|Cannot allocate memory"),
    ),
    Failure(
        "row without text", ("A6.14",),
        "A row of the list has no text behind its image. Run `twinread check DATASET`; it names the row.",
        re.compile(r"label = substr\[1\]"),
    ),
    Failure(
        "decoder of another version", ("A6.6",),
        "This trainer has no {name}: it is of another version than config.yml. Leave --paddleocr out, or "
        "name a checkout of v3.7.0.",
        re.compile(r"KeyError: '(?P<name>\w+Label(?:Decode|Encode))'"),
    ),
    Failure(
        "encoder without the CTC label", ("A6.15",),
        "The trainer's config encodes labels without {name}, which PP-OCRv5 needs. Leave --paddleocr out, or "
        "name a checkout of v3.7.0.",
        re.compile(r"KeyError: '(?P<name>label_(?:ctc|gtc|sar))'"),
    ),
    Failure(
        "export without its name", ("A6.4",),
        "The exported model does not say which model it is (no Global.model_name). Leave model_name in "
        "config.yml as twinread wrote it, and export again.",
        re.compile(r"KeyError: 'Global'"),
    ),
    Failure(
        "name that PaddleOCR does not know", ("A6.17",),
        "PaddleOCR does not know the model name {name}. Give --base one of PaddleOCR's recognisers, such as "
        "eslav_PP-OCRv5_mobile_rec.",
        re.compile(r"UnsupportedParamError: '(?P<name>[^']+)' is not a registered model name"),
    ),
    Failure(
        "decoding by another dictionary", ("A6.16",),
        "The network has other classes than dict.txt has characters. Start a new run, and leave dict.txt as "
        "it was written.",
        re.compile(r"rec_postprocess\.py"),
    ),
    Failure(
        "loader processes died", ("A6.12", "4.22"),
        "The trainer's loader processes ended by themselves, mostly for want of memory or of shared memory. "
        "Free memory, or give the container --shm-size=8G, then go on with --resume.",
        re.compile(r"DataLoader \d+ workers? exit unexpectedly|DataLoader worker .* exited? unexpectedly"),
    ),
    # hangs
    Failure(
        "images are gone", ("4.9",),
        "The trainer finds no image of its list ({path} is not there). Export the dataset again, and leave "
        "its folder where it was while the training runs.",
        re.compile(r"Exception: (?P<path>.+?) does not exist!"),
        endings=_SEARCHED,
    ),
    Failure(
        "no usable row", ("4.8", "A6.7", "A6.8"),
        _ROWS, re.compile(r"RecursionError"), endings=_SEARCHED,
    ),
    Failure(
        "no first step", ("4.10", "A6.9"),
        "The trainer said nothing for too long before its first step: it finds no image that can be decoded, "
        "or its loader processes wait for each other. Run `twinread check DATASET`, which opens each image; "
        "on a machine that is busy, try again when it is not.",
        endings=(Ending.NO_START,),
    ),
    Failure(
        "silent in the middle", ("A6.9",),
        "The trainer said nothing for too long and was ended. Nothing is lost: go on with --resume; if it "
        "hangs there again, free memory or lower --batch in a new run.",
        endings=(Ending.SILENT,),
    ),
    # what it made
    Failure(
        "loss is no number", ("4.19", "A6.3"),
        "The loss became infinite or no number, so the training was ended: the learning rate is too high for "
        "these lines. Start a new run with a tenth of it (--lr).",
        made=lambda made: not made.finite,
    ),
    Failure(
        "lines that are too long to learn", ("4.26", "A6.7"),
        "CTCLoss is 0 at the first step: the texts need more than the 40 steps that the network has in "
        "training, so nothing would be learned. Run `twinread check DATASET`, and cut the lines it names.",
        made=lambda made: made.first_ctc == 0,
    ),
    Failure(
        "weights of another dictionary", ("4.13", "4.24", "4.25", "A6.1", "A6.5"),
        "The starting weights do not fit the network, and the layers that differ would be trained from "
        "nothing. Leave --base out, or name weights of the same model.",
        made=lambda made: len(made.refused) > MOST_REFUSED_WEIGHTS,
    ),
    # the process
    Failure(
        "killed by the system", ("4.20",),
        "The system killed the trainer, nearly always because memory ran out. Give --batch half of what it "
        "was in a new run, or free memory and go on with --resume.",
        code=-signal.SIGKILL, endings=(Ending.ITSELF,),
    ),
    Failure(
        "bus error", ("A6.12",),
        "The trainer ended with a bus error: shared memory (/dev/shm) or the disk is full. Give the "
        "container --shm-size=8G or make room, then go on with --resume.",
        code=-signal.SIGBUS, endings=(Ending.ITSELF,),
    ),
    Failure(
        "stopped from outside", ("4.22",),
        "The trainer was stopped from outside. Nothing is lost: go on with --resume.",
        code=-signal.SIGTERM, endings=(Ending.ITSELF,),
    ),
    Failure(
        "crash", (),
        "Paddle crashed (segmentation fault). Go on with --resume; if it crashes again, its version does not "
        "fit this processor or driver.",
        code=-signal.SIGSEGV, endings=(Ending.ITSELF,),
    ),
    Failure(
        "processor too old", (),
        "Paddle uses instructions that this processor does not have (AVX). Train on another machine.",
        code=-signal.SIGILL, endings=(Ending.ITSELF,),
    ),
    Failure(
        "already finished", ("4.17",),
        "All epochs of this run are done already. Give --epochs a larger number to train on.",
        code=0, made=lambda made: made.resumed and not made.steps,
    ),
    Failure(
        "no step", ("4.6",),
        "The trainer ended without one step and without an error. Run `twinread check DATASET`; it says what "
        "becomes of each row.",
        code=0, endings=(Ending.ITSELF,), made=lambda made: not made.steps,
    ),
    Failure(
        "no checkpoint", ("A6.13",),
        "The trainer ended and left no whole model. Look whether the disk is full, then start again.",
        code=0, made=lambda made: not made.checkpoint,
    ),
    Failure(
        "nothing learned", ("A6.20",),
        "After all its steps the model reads next to nothing of the lines for evaluation (norm_edit_dis "
        "below 0.05), so it is no use. Train longer, or from a model that knows the script (--base).",
        made=lambda made: made.learned is not None and made.learned < 0.05,
    ),
)  # fmt: skip
"""The first row that fits is the reason; texts come first, because they know most."""

PREVENTED: dict[str, str] = {
    "4.3": "weights are downloaded by twinread, with their sha256; the config names a file",
    "4.4": "the trainer gets one YAML and nothing behind -o",
    "4.5": "the trainer gets one YAML and nothing behind -o",
    "4.15": "the config is config.yml",
    "4.28": "the trainer gets one YAML and nothing behind -o",
    "4.29": "label_file_list is a list in each composed config",
    "A6.8": "no text of a list is longer than the config takes; long lines are cut at word gaps",
    "A6.21": "new characters stand behind those of the base model, none of which is left out",
    "A6.26": "a composed dictionary has each character once",
}
"""Failures that a composed run cannot have, and why; tests hold that they are so."""


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a failure: a row's name, and the sentence for people."""

    name: str
    sentence: str


def failure_of(ended: Ended, made: Made) -> Why | None:
    """Why a training is no success; None for one that is.

    Args:
        ended: how the process ended.
        made: what it left behind.
    """
    asked = ended.ending is Ending.STOPPED
    failed = not asked and (ended.code != 0 or ended.ending in _SEARCHED)
    for failure in FAILURES:
        if failure.endings and ended.ending not in failure.endings:
            continue
        if failure.code is not None and failure.code != ended.code:
            continue
        if failure.made is not None and not failure.made(made):
            continue
        if failure.text is None:
            return Why(failure.name, failure.sentence)
        # a training that did all its work may mention an error on its way, and one that is stopped does
        found = _found(failure.text, ended.tail) if failed or not (made.steps or asked) else None
        if found is not None:
            return Why(failure.name, failure.sentence.format(**found.groupdict()))
    if failed:
        return Why("unknown", _unknown(ended))
    return None


def _found(text: re.Pattern[str], tail: Sequence[str]) -> re.Match[str] | None:
    return next(filter(None, map(text.search, reversed(tail))), None)


def _unknown(ended: Ended) -> str:
    errors = [line.strip() for line in ended.tail if re.match(r"\s*[\w.]*(?:Error|Exception)\b.*:", line)]
    said = errors[-1] if errors else next((line.strip() for line in reversed(ended.tail) if line.strip()), "")
    how = f"signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"
    last = f", and its last words are: {said[:300]}" if said else " and said nothing"
    return f"The trainer ended with {how}{last}. The whole log is train.log in the run's folder."
