"""The sub-command `preannotate`: a whole project is read, and its predictions are stored."""

from __future__ import annotations

import click


@click.command()
@click.option("--project", type=int, required=True, help="Number of the project.")
@click.option("--limit", type=click.IntRange(min=1), help="Read no more tasks than this.")
@click.option("--dry-run", is_flag=True, help="Say what it will take and cost, and do nothing.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="TASKS",
    help="With --dry-run: look at so many tasks; else at as many as a close forecast needs.",
)
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the figures to this file, too.")
def preannotate(
    project: int, limit: int | None, dry_run: bool, sample: int | None, summary_json: str | None
) -> None:
    """Read every page of a project that lacks a prediction of the present version, and store it."""
    from pathlib import Path

    from rich.console import Console

    from backend.bulk.counts import Counts
    from backend.bulk.job import BulkWork
    from backend.bulk.local_engine import local_engine
    from backend.bulk.run import run
    from backend.bulk.tasks import count_lacking, lacking
    from backend.bulk.uploads import Uploader
    from backend.outputs import check_writable, write_summary
    from backend.projects.retrieval import choose_predictions
    from backend.settings import connect, logs, settings

    if summary_json:
        check_writable(Path(summary_json))
    values = settings.load()
    logs.configure(values.log_level)
    console = Console(highlight=False)
    with connect.label_studio(values) as api:
        work = BulkWork.of(api, project, values)
        if dry_run:
            from backend.commands import dry_run as rehearsal

            forecast = rehearsal.dry_run(values, api, work, limit, sample, console)
            if summary_json:
                write_summary(Path(summary_json), forecast)
            return
        engine = local_engine(values, work)
        try:
            counts = Counts(count_lacking(api, project, engine.model_version))
            tasks = lacking(api, project, engine.model_version, limit=limit)
            run(engine, tasks, Uploader(api, project, work.xml), counts)
        finally:
            engine.close()
        for sentence in choose_predictions(api, project):
            console.print(sentence)
    console.print(f"{counts.stored} of {counts.total} tasks read and stored.")
    if summary_json:
        write_summary(Path(summary_json), {"stored": counts.stored, "failed": counts.failed})
    if counts.failed:
        raise click.exceptions.Exit(1)
