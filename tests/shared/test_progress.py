"""The one progress bar of the converters' commands."""

from __future__ import annotations

import io

from rich.console import Console

from converters.shared.progress import progress


def shown(*, terminal):
    told = io.StringIO()
    with progress(Console(file=told, force_terminal=terminal, width=120)) as bars:
        bar = bars.add_task("Reading tasks", total=40)
        for _ in range(30):
            bars.advance(bar)
        bars.refresh()
    return told.getvalue()


def test_a_bar_tells_what_how_many_how_fast_and_how_long():
    told = shown(terminal=True)
    assert "Reading tasks" in told
    assert "30/40" in told
    assert "/s" in told
    assert ":" in told


def test_a_file_gets_no_bar():
    assert shown(terminal=False) == ""
