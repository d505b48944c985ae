"""The page of a training: its curves and how far it is; it loads itself anew while the training runs.

Nothing is fetched: style and curves are inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from converters.shared.templating import template
from converters.training.curves import plots_of
from converters.training.history import History

RUNNING = ("composing", "rehearsing", "training")
REFRESH_S = 10


def page(
    record: Mapping[str, Any], history: History, title: str, *, steps: int = 0, left: float | None = None
) -> str:
    """Write the page.

    Args:
        record: what `run.json` says.
        history: steps and evaluations so far.
        title: the run's name.
        steps: of the whole run; 0 while it is not known.
        left: seconds until the end; None while nobody can say.
    """
    best = history.best
    newest = history.steps[-1] if history.steps else None
    return template("curves.html.j2", percent=percent, duration=duration).render(
        title=title,
        state=record.get("state", ""),
        why=record.get("why"),
        refresh=REFRESH_S if record.get("state") in RUNNING else None,
        plots=plots_of(history),
        best=best,
        newest=newest,
        steps=steps,
        left=left,
        evaluations=history.evaluations[-12:][::-1],
        changed_at=record.get("changed_at", ""),
    )


def percent(share: float) -> str:
    """A share, 0 to 1, with one digit after the point."""
    return f"{100 * share:.1f} %"


def duration(seconds: float | None) -> str:
    """A time as a person says it; a dash while it is not known."""
    if seconds is None:
        return "–"
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
