"""Asks the readers of a panel for crops: all at once, or some only where the first ones leave a doubt.

A blank crop is shown to the first reader alone, and to the others only if that one saw text there: empty
boxes are not paid for twice. Of a panel whose later readers are asked when needed, a crop goes on to them as
soon as the first ones are known to differ on it; it does not wait for the rest of its page.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

from backend.page import crops
from backend.page.lines import Pixels, Reading
from backend.readers.stored import submit_together
from backend.seams import LineReader
from backend.tickets import Urgency


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """When readings must be there; one that comes later is kept by the store in front of its reader.

    end: on the clock of `time.monotonic`.
    seconds: how long that is, for the sentence of a reading that did not come.
    """

    end: float = math.inf
    seconds: float = math.inf

    @property
    def left_s(self) -> float | None:
        """Seconds from now, for whoever waits; None for any time."""
        return None if self.end == math.inf else max(0.0, self.end - time.monotonic())

    def reading(self, reader: LineReader, future: Future[Reading]) -> Reading:
        """What a reader said, or that it did not come in time."""
        if future.done():
            return future.result()
        late = f"no answer within {shown_s(self.seconds)}"
        return Reading(reader.identity, error=late, retryable=True)


NO_LIMIT = TimeLimit()


def shown_s(seconds: float) -> str:
    """A time limit for people, such as "30 s"; what is left of one is never a round number."""
    return f"{round(seconds, 1):g} s"


def readings_of(
    cuts: Sequence[Pixels],
    readers: Sequence[LineReader],
    at_once: int,
    settled: Callable[[int, Sequence[Reading]], bool],
    urgency: Urgency,
    limit: TimeLimit = NO_LIMIT,
) -> list[list[Reading]]:
    """Read crops, each with as many readers as it needs.

    Args:
        cuts: RGB, uint8, shape (height, width, 3) each.
        readers: in order of trust, at least one.
        at_once: how many of them, from the first, read every crop that is not blank.
        settled: whether a crop, by its number, needs no further reader after these readings.
        urgency: whether an annotator waits, now or later.
        limit: when they must be there.

    Returns:
        The readings of each crop, in the order of the readers; of the first few alone where the others were
        not needed.
    """
    readings: list[list[Reading]] = [[] for _ in cuts]
    blank = [crops.is_blank(cut) for cut in cuts]

    def further(number: int) -> range:
        """Who reads a crop next."""
        said = readings[number]
        if not said:
            return range(1 if blank[number] else at_once)
        if len(said) < at_once:
            return range(len(said), at_once if said[0].text else len(said))
        done = len(said) == len(readers) or settled(number, said)
        return range(len(said), len(said) if done else len(readers))

    waiting: dict[int, list[Future[Reading]]] = {}
    ended: SimpleQueue[Iterable[int]] = SimpleQueue()
    ready = set(range(len(cuts)))
    while ready:
        wanted = {number: who for number in sorted(ready) if (who := further(number))}
        asked = _submit(cuts, readers, wanted, urgency)
        waiting |= asked
        for group in _groups(wanted, len(readers)):
            _when_done([future for number in group for future in asked[number]], partial(ended.put, group))
        ready = _taken(ended, waiting, limit) if waiting else set()
        for number in ready:
            came = zip(readers[len(readings[number]) :], waiting.pop(number), strict=False)
            readings[number] += [limit.reading(reader, future) for reader, future in came]
    return readings


def _groups(wanted: Mapping[int, range], readers: int) -> list[list[int]]:
    """Crops that are looked at together once they are read: those that no reader is left for.

    Each of the others may go on to its next reader alone. A page's thread wakes up no more often than that.
    """
    last = [number for number, who in wanted.items() if who.stop == readers]
    others = [[number] for number, who in wanted.items() if who.stop < readers]
    return [last, *others] if last else others


def _submit(
    cuts: Sequence[Pixels], readers: Sequence[LineReader], wanted: Mapping[int, range], urgency: Urgency
) -> dict[int, list[Future[Reading]]]:
    """Ask each reader for all its crops together.

    Args:
        cuts: all crops.
        readers: all readers.
        wanted: which readers are to read a crop, by number.
        urgency: whether an annotator waits, now or later.

    Returns:
        The answers to come of each crop that is wanted, in the order of the readers.
    """
    asked: dict[int, list[Future[Reading]]] = {number: [] for number in wanted}
    numbers = {
        place: [number for number, who in wanted.items() if place in who] for place in range(len(readers))
    }
    places = [place for place, some in numbers.items() if some]
    came = submit_together(
        [(readers[place], [cuts[number] for number in numbers[place]]) for place in places],
        urgent=urgency.urgent,
    )
    for place, futures in zip(places, came, strict=True):
        urgency.when_hurried(partial(readers[place].hurry, futures))
        for number, future in zip(numbers[place], futures, strict=True):
            asked[number].append(future)
    return asked


def _when_done(futures: Sequence[Future[Reading]], act: Callable[[], object]) -> None:
    """Call `act` once all have ended, in the thread of the last one."""
    lock, left = threading.Lock(), len(futures)

    def one_ended(_: Future[Reading]) -> None:
        nonlocal left
        with lock:
            left -= 1
            last = not left
        if last:
            act()

    for future in futures:
        future.add_done_callback(one_ended)


def _taken(ended: SimpleQueue[Iterable[int]], waiting: Iterable[int], limit: TimeLimit) -> set[int]:
    """Which crops are to be looked at: waits until some are read, or until the time is up for all."""
    try:
        # of what has come too late nothing is taken out here: its crop may wait for another reader now
        first = ended.get(timeout=limit.left_s) if limit.left_s != 0 else waiting
    except Empty:
        first = waiting
    if first is waiting:
        return set(waiting)
    return {*first, *(number for _ in range(ended.qsize()) for number in ended.get_nowait())}
