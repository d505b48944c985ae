"""Asks the readers of a panel for crops: all at once, or some only where the first ones leave a doubt.

A blank crop is shown to the first reader alone, and to the others only if that one saw text there: empty
boxes are not paid for twice. Of a panel whose later readers are asked when needed, a crop goes on to them as
soon as the first ones are known to differ on it; it does not wait for the rest of its page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue

from backend.page import crops
from backend.page.lines import Pixels, Reading
from backend.seams import LineReader
from backend.tickets import Urgency


def readings_of(
    cuts: Sequence[Pixels],
    readers: Sequence[LineReader],
    at_once: int,
    settled: Callable[[int, Sequence[Reading]], bool],
    urgency: Urgency,
) -> list[list[Reading]]:
    """Read crops, each with as many readers as it needs.

    Args:
        cuts: RGB, uint8, shape (height, width, 3) each.
        readers: in order of trust, at least one.
        at_once: how many of them, from the first, read every crop that is not blank.
        settled: whether a crop, by its number, needs no further reader after these readings.
        urgency: whether an annotator waits, now or later.

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
    ended: SimpleQueue[int] = SimpleQueue()
    ready = set(range(len(cuts)))
    while ready:
        wanted = {number: who for number in sorted(ready) if (who := further(number))}
        for number, futures in _submit(cuts, readers, wanted, urgency).items():
            waiting[number] = futures
            for future in futures:
                future.add_done_callback(partial(_put, ended, number))
        ready = set()
        while waiting and not ready:
            ready = {number for number in _taken(ended) if _all_done(waiting.get(number, []))}
        for number in ready:
            readings[number] += [future.result() for future in waiting.pop(number)]
    return readings


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
    for place, reader in enumerate(readers):
        numbers = [number for number, who in wanted.items() if place in who]
        if numbers:
            futures = reader.submit([cuts[number] for number in numbers], urgent=urgency.urgent)
            urgency.when_hurried(partial(reader.hurry, futures))
            for number, future in zip(numbers, futures, strict=True):
                asked[number].append(future)
    return asked


def _put(ended: SimpleQueue[int], number: int, future: Future[Reading]) -> None:
    ended.put(number)


def _taken(ended: SimpleQueue[int]) -> list[int]:
    """Of which crops an answer has come; waits for one."""
    first = ended.get()
    return [first, *(ended.get_nowait() for _ in range(ended.qsize()))]


def _all_done(futures: Sequence[Future[Reading]]) -> bool:
    return bool(futures) and all(future.done() for future in futures)
