"""How far the work on sheets is, for `twinread lines` and `twinread audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class SheetBars:
    """A bar for pages and one for sheets, each from when there is something to show."""

    def __init__(self, bars: Progress, console: Console) -> None:
        """Show nothing yet.

        Args:
            bars: where the bars are drawn.
            console: where sentences are printed.
        """
        self._bars = bars
        self._console = console
        self._shown: dict[str, TaskID] = {}

    def pages(self, done: int, total: int) -> None:
        """So many pages of all are looked at."""
        self._show("pages", done, total)

    def sheets(self, done: int, total: int) -> None:
        """So many sheets of all are imported."""
        self._show("sheets", done, total)

    def waits(self, seconds: float) -> None:
        """An import of before is waited for, so long at most."""
        self._console.print(
            f"Label Studio may still be at work on an import of before; waiting {seconds:.0f} s at most."
        )

    def _show(self, name: str, done: int, total: int) -> None:
        if name not in self._shown:
            self._shown[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._shown[name], completed=done, total=total)
