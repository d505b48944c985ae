"""A page read as a run would read it, but for the readings that cost money: those are counted, not asked for.

The pipeline itself decides what would be asked: blank crops, pages on their head and the reading policy count
as in the run, because the same code counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from backend.page import crops
from backend.page.lines import Pixels, Reading, picture_digest
from backend.pipeline.annotate import Panel
from backend.pipeline.engines import Engines
from backend.pipeline.read_task import TaskPage, read_page
from backend.readers.ernie.reader import ErnieReader
from backend.readers.ernie.token_guess import guess
from backend.readers.stored import StoredReader


@dataclass(frozen=True, slots=True)
class Asked:
    """A reading that costs money, as the run would ask for it.

    reader: its identity.
    kept: it is in the store, so that it costs nothing.
    later: the reader is asked for lines on which those before it differ, and for no others.
    certain: it is known that the reader is asked; else it hangs on readings that nobody knows yet.
    input_guess, output_guess: tokens, by the size of the picture; 0 where nothing can be said.
    """

    reader: str
    kept: bool
    later: bool
    certain: bool
    input_guess: int
    output_guess: int


@dataclass(slots=True)
class Rehearsed:
    """What one page, or one task, would take.

    pages, lines: how many.
    asked: readings that cost money.
    """

    pages: int = 0
    lines: int = 0
    asked: list[Asked] = field(default_factory=list)

    def add(self, other: Rehearsed) -> None:
        """Take another page in."""
        self.pages += other.pages
        self.lines += other.lines
        self.asked += other.asked


def rehearse(engines: Engines, page: TaskPage) -> Rehearsed:
    """Find the lines of a page and read them with what costs nothing.

    Args:
        engines: lent to the caller for as long as this takes.
        page: which one.

    Raises:
        TwinreadError: as `read_page`.
    """
    noted = Rehearsed(pages=1)

    @contextmanager
    def lend(language: str) -> Iterator[Panel]:
        with engines.lend(language) as panel:
            yield _without_calls(panel, noted)

    noted.lines = len(read_page(replace(engines, lend=lend), page).lines)
    return noted


def _without_calls(panel: Panel, noted: Rehearsed) -> Panel:
    """The panel with a reader that asks nobody in place of each one that costs money."""
    guessed: set[str] = set()
    readers = tuple(
        _Unasked(reader, f"not asked {place}", noted, guessed, place >= panel.policy.at_once)
        if isinstance(reader, StoredReader) and reader.paid
        else reader
        for place, reader in enumerate(panel.readers)
    )
    return replace(panel, readers=readers)


class _Unasked:
    """A `LineReader` that says what the store has, and in place of all else something that nobody reads.

    identity: of the reader whose place it takes.
    """

    def __init__(
        self, stored: StoredReader, says: str, noted: Rehearsed, guessed: set[str], later: bool
    ) -> None:
        """Take a reader's place on one page.

        Args:
            stored: that reader.
            says: its answer where there is text; unlike any other reader's, so that they differ.
            noted: gets what it was asked for.
            guessed: digests of crops of which a reader before said something that nobody read; shared by
                the readers of the page.
            later: it is asked once others have read, where these differ.
        """
        self.identity = stored.identity
        self._stored = stored
        self._says = says
        self._noted = noted
        self._guessed = guessed
        self._later = later

    def submit(self, crops_: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """As `LineReader.submit`; all are there at once."""
        digests = [picture_digest(crop) for crop in crops_]
        kept = self._stored.kept(digests)
        answers = []
        for digest, crop in zip(digests, crops_, strict=True):
            certain = not (self._later and digest in self._guessed)
            self._note(crop, digest in kept, certain)
            if digest not in kept:
                # the same crop again on the page is the same call
                kept[digest] = Reading(self.identity, "" if crops.is_blank(crop) else self._says)
                if not self._later:
                    self._guessed.add(digest)
            answer: Future[Reading] = Future()
            answer.set_result(kept[digest])
            answers.append(answer)
        return answers

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Nothing waits here."""

    def _note(self, crop: Pixels, kept: bool, certain: bool) -> None:
        reader = self._stored.reader
        tokens = guess(crop, reader.prompt) if isinstance(reader, ErnieReader) else (0, 0)
        self._noted.asked.append(Asked(self.identity, kept, self._later, certain, *tokens))
