"""What the rule says of a model, on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from backend.models.promoted import PromotedModel
from backend.outputs import printable
from converters.promotion.promote import Judged

TAKES_OVER = (
    "A backend with this CACHE_DIR takes it over within ten seconds, without a restart; POST /reload says "
    "at once what came of it."
)


def tell(judged: Judged, promoted: PromotedModel | None, console: Console) -> None:
    """Print every condition with its figures, and what was done.

    Args:
        judged: what the rule said.
        promoted: what was written; None where the old model stays.
        console: where to print.
    """
    for condition in judged.verdict.conditions:
        mark = "[green]yes[/]" if condition.met else "[red]NO [/]"
        console.print(f"{mark} {condition.name}: {_shown(condition.says)}")
    for note in judged.notes:
        console.print(f"[yellow]{_shown(note)}[/]")
    identity = _shown(judged.candidate.identity)
    if promoted is None:
        console.print(f"[bold]{identity} is not promoted;[/] whoever reads goes on reading.")
        return
    how = "by the rule" if promoted.by == "rule" else f"by force, {_shown(promoted.who)}"
    languages = ", ".join(promoted.languages)
    console.print(f"[bold]{identity} reads '{languages}' from now on[/], {how}. {TAKES_OVER}")


def tell_undone(now: PromotedModel | None, console: Console) -> None:
    """Print who reads after `--undo`.

    Args:
        now: the model that reads; None for PaddleOCR's own.
        console: where to print.
    """
    who = f"{_shown(now.identity)}, promoted {now.promoted_at}," if now else "PaddleOCR's own model"
    console.print(f"[bold]{who} reads again.[/] {TAKES_OVER} --undo once more takes this back.")


def _shown(text: str) -> str:
    return escape(printable(text))
