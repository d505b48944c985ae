"""Lines that were found elsewhere, as a detector: another process searches the page, this one reads it."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import DetectorFailed
from backend.page.lines import Detected, Page
from backend.seams import LineDetector
from backend.tickets import Urgency


@dataclass(frozen=True, slots=True, eq=False)
class FoundLines:
    """A `LineDetector` for one page, which gives what another one found on it.

    Nothing of it hangs on a process: it can be pickled and sent to another machine. `annotate_page` with it
    gives the same page as with the detector that found the lines, byte for byte.

    identity: of the detector that found them.
    found: all that it gave.
    width, height: of the page that it searched, pixels.
    """

    identity: str
    found: Detected
    width: int
    height: int

    @classmethod
    def on(cls, page: Page, detector: LineDetector, *, urgency: Urgency | None = None) -> FoundLines:
        """Search a page now, for whoever reads it later.

        Args:
            page: an upright page.
            detector: searches it.
            urgency: whether an annotator waits, now or later; None for bulk work.

        Raises:
            DetectorFailed: the page could not be searched.
        """
        found = detector.detect(page, urgency=urgency)
        return cls(detector.identity, found, page.width, page.height)

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        """What was found; see `LineDetector`.

        Raises:
            DetectorFailed: this page is of another size than the one that was searched.
        """
        if (page.width, page.height) != (self.width, self.height):
            raise DetectorFailed(
                f"Its lines were found on a picture of {self.width} x {self.height} pixels, and it is one of "
                f"{page.width} x {page.height} now, so they would be cut out of wrong places. The image has "
                "changed meanwhile; ask again."
            )
        return self.found
