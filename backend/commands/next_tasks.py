"""The sub-command `next`: which pages of a project come next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from backend.label_studio.client import LabelStudio
    from backend.projects.next_tasks import NewScore


@click.command("next")
@click.option("--project", type=int, required=True, help="Number of the project.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Choose this many pages one by one; the others follow, the least agreed first.",
)
@click.option("--dry-run", is_flag=True, help="Show the order, and write nothing.")
@click.option("--undo", is_flag=True, help="Make every page's score its share of agreed lines again.")
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the order to this file, too.")
def next_(project: int, limit: int, dry_run: bool, undo: bool, summary_json: str | None) -> None:
    """Put the pages that teach most to the front of a project.

    They are doubtful, have characters that are rare in what people approved so far, and are unlike the
    other pages. The order is written to the scores of their predictions, which Label Studio's stream
    follows; nothing else is changed, and pages that somebody did or began keep their scores. Run it again
    after some pages were approved, or new ones were read.
    """
    from pathlib import Path

    from rich.console import Console

    from backend.commands.review import project_config
    from backend.errors import ProjectError
    from backend.outputs import check_writable, write_summary
    from backend.projects import next_table, next_tasks
    from backend.projects.teaching_order import teaching_order
    from backend.settings import connect, logs, settings

    if summary_json:
        check_writable(Path(summary_json))
    values = settings.load()
    logs.configure(values.log_level)
    console = Console(highlight=False)
    with connect.label_studio(values) as api:
        shown = api.project(project)
        version = next_tasks.prediction_version(shown)
        obstacle = "" if undo else next_tasks.not_followed(shown)
        if obstacle and not dry_run:
            raise ProjectError(obstacle)
        pages = next_tasks.read_project(api, project, project_config(api, project, values), version)
        order = [] if undo else teaching_order(pages.waiting, pages.approved, limit)
        scores = next_tasks.shares_of(pages) if undo else next_tasks.scores_of(order, pages)
        if not undo:
            next_table.show(order, pages, [*filter(None, [obstacle]), *next_tasks.remarks(shown)], console)
        written = 0 if dry_run else _write(api, scores, console)
    if undo:
        done = f"{len(scores)} scores would become" if dry_run else f"{written} scores are now"
        console.print(f"{done} the share of agreed lines.")
    elif dry_run:
        console.print(f"Nothing was written; {len(scores)} scores would change.")
    elif order:
        done = f"{written} scores written" if written else "The scores stand so already"
        console.print(
            f"{done}: Label Studio serves these {len(order)} pages in this order. Their "
            "'Prediction score' is the place now (near 0 the first, near 1 the last), not the share of "
            f"agreed lines; `twinread next --project {project} --undo` puts the shares back."
        )
    else:
        console.print("No page waits that could be ordered.")
    if summary_json:
        write_summary(Path(summary_json), next_table.figures(order, pages, written, undone=undo))


def _write(api: LabelStudio, scores: Sequence[NewScore], console: Console) -> int:
    """Write scores; how many were written."""
    from backend.projects.next_tasks import write_scores
    from converters.shared.progress import progress

    written = gone = 0
    try:
        with progress(console) as bars:
            bar = bars.add_task("scores", total=len(scores))
            for new in write_scores(api, scores):
                written, gone = written + (new is not None), gone + (new is None)
                bars.advance(bar)
    except KeyboardInterrupt:
        console.print(f"Stopped: {written} of {len(scores)} scores are written. Run this again.")
        raise click.exceptions.Exit(1) from None
    if gone:
        console.print(f"{gone} predictions were deleted meanwhile; run this again.", style="yellow")
    return written
