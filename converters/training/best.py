"""Our own copy of the best model.

PaddleOCR forgets at each resume how good its best model was (`ppocr/utils/save_load.py` sets its acc to 0),
and the next evaluation, even a worse one, overwrites it. This copy is only replaced by a better one, whole
or not at all.
"""

from __future__ import annotations

import json
import pickletools
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from converters.shared.exchange import exchange
from converters.training.early_stop import Score

NAME = "best"
ABOUT = "best.json"
PARTS = (".states", ".pdopt", ".pdparams")
"""Endings of a checkpoint's files: where it is, the optimiser's state, the weights."""


@dataclass(frozen=True, slots=True)
class Best:
    """Which model the copy is: the epoch and step that it is from, and how well it read `val`."""

    epoch: int
    step: int
    norm_edit_dis: float
    acc: float

    @property
    def score(self) -> Score:
        """For comparing."""
        return Score(self.norm_edit_dis, self.acc)


def keep(prefix: Path, best: Path, about: Best) -> bool:
    """Copy a checkpoint to be the best one.

    Args:
        prefix: the checkpoint's files, without their endings.
        best: the folder of the copy; what is in it is replaced.
        about: what is known of it.

    Returns:
        False where the checkpoint is not whole, or is of another epoch, because the trainer has written it
        anew meanwhile; then nothing changes.

    Raises:
        OSError: it cannot be written.
    """
    before = _looks(prefix)
    if before is None or epoch_of(prefix) != about.epoch:
        return False
    part, old = best.with_name(f".{best.name}.part"), best.with_name(f".{best.name}.old")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        for ending in PARTS:
            shutil.copy2(f"{prefix}{ending}", part / f"{NAME}{ending}")
        if not whole(part / NAME) or epoch_of(part / NAME) != about.epoch or _looks(prefix) != before:
            return False
        (part / ABOUT).write_text(json.dumps(asdict(about)) + "\n", "utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if best.exists():
            exchange(part, best, old)
        else:
            part.rename(best)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return True


def recover(best: Path) -> None:
    """Bring to its end what a kill left of `keep`; call it before anything is read."""
    old = best.with_name(f".{best.name}.old")
    if not best.exists() and old.exists():
        old.rename(best)
    for left in (old, best.with_name(f".{best.name}.part")):
        shutil.rmtree(left, ignore_errors=True)


def kept(best: Path) -> Best | None:
    """What is kept as the best; None where nothing is.

    Args:
        best: the folder of the copy.
    """
    try:
        found = Best(**json.loads((best / ABOUT).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if whole(best / NAME) else None


def whole(prefix: Path) -> bool:
    """A checkpoint's files are there, and each is a pickle from its first byte to its last.

    A trainer that is killed while it saves leaves one that ends early. Nothing in it is executed: its
    operations are walked through, of which an array is one.

    Args:
        prefix: the checkpoint's files, without their endings.
    """
    return all(_whole_pickle(Path(f"{prefix}{ending}")) for ending in PARTS)


def epoch_of(prefix: Path) -> int | None:
    """The epoch that a checkpoint says it is from; None where it says none. Nothing in it is executed.

    Args:
        prefix: the checkpoint's files, without their endings.
    """
    word: object = None
    try:
        for operation, value, _ in pickletools.genops(Path(f"{prefix}.states").read_bytes()):
            if "UNICODE" in operation.name:
                word = value
            elif operation.name.startswith(("BININT", "INT", "LONG")) and word == "epoch":
                return int(value) if isinstance(value, int) else None
    except (OSError, ValueError):
        return None
    return None


def _whole_pickle(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            for _ in pickletools.genops(file):
                pass
            return not file.read(1)
    except (OSError, ValueError, EOFError):
        return False


def _looks(prefix: Path) -> tuple[tuple[int, int], ...] | None:
    """Sizes and times of a checkpoint's files, by which a later look sees that they were written again."""
    try:
        found = [Path(f"{prefix}{ending}").stat() for ending in PARTS]
    except OSError:
        return None
    return tuple((one.st_size, one.st_mtime_ns) for one in found)
