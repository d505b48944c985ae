"""The sub-command `preannotate`: a whole project is read, and its predictions are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from backend.bulk.tasks import Order

NICE = 10
"""How far a run stands back behind a backend on the same machine, whose annotators wait."""


@click.command()
@click.option("--project", type=int, required=True, help="Number of the project.")
@click.option("--limit", type=click.IntRange(min=1), help="Read no more tasks than this.")
@click.option("--only-failed", is_flag=True, help="Read only tasks that failed in a run before.")
@click.option(
    "--order",
    type=click.Choice(("id", "worst-first")),
    default="id",
    show_default=True,
    help="Which tasks come first: as they were imported, or the least agreed of an older version.",
)
@click.option(
    "--own-version",
    is_flag=True,
    help="Store under this machine's own version although the connected backend has another one.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Remove predictions of older versions at the end; what people's work began with stays. A page that "
    "somebody opened before, and that an older version filled, must be opened again before it is submitted.",
)
@click.option("--dry-run", is_flag=True, help="Say what the run will take and cost, and read nothing.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="TASKS",
    help="With --dry-run: look at so many tasks. Default: as many as a close forecast needs.",
)
@click.option("--max-calls", type=click.IntRange(min=1), help="End before the server is asked more often.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="End before more tokens are used.")
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0, min_open=True),
    help="End before it costs more, at the prices of the settings.",
)
@click.option(
    "--engine",
    type=click.Choice(("local", "ray")),
    default="local",
    show_default=True,
    help="Who reads: this process, or the nodes of a Ray cluster; see docs/scaling.md.",
)
@click.option(
    "--address",
    help="With --engine ray: the cluster's head, such as 10.0.0.1:6379. Default: auto, this machine's.",
)
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the figures to this file, too.")
def preannotate(
    project: int,
    limit: int | None,
    only_failed: bool,
    order: Order,
    own_version: bool,
    prune: bool,
    dry_run: bool,
    sample: int | None,
    max_calls: int | None,
    max_tokens: int | None,
    max_cost: float | None,
    engine: Literal["local", "ray"],
    address: str | None,
    summary_json: str | None,
) -> None:
    """Read every page of a project that lacks a prediction of the present version, and store it.

    Pages are fetched, searched, read and stored at the same time, in this process, with the engines of
    the settings. Run it again after each import. Ctrl-C, a crash or a reboot lose nothing: the same
    command goes on, no reading is paid for twice, and no prediction is stored twice.

    The exit code is 1 where a task could not be read or the run was stopped, and 3 where a service
    stayed away.
    """
    import os

    if address and engine == "local":
        raise click.UsageError("--address names a Ray cluster; add --engine ray.")
    if sample is not None and not dry_run:
        raise click.UsageError("--sample says how many tasks --dry-run looks at; add --dry-run.")
    # before any library starts a thread: on Linux each thread has a priority of its own
    os.nice(NICE)
    from pathlib import Path

    from rich.console import Console

    from backend.commands.preannotate_run import RunRequest, preannotate_project, reading
    from backend.one_run import only_run
    from backend.outputs import check_writable
    from backend.readers.budget import Limits
    from backend.settings import logs, settings

    file = Path(summary_json) if summary_json else None
    if file is not None:
        check_writable(file)
    values = settings.load()
    # failures of tasks are named at the end
    logs.configure("ERROR")
    console = Console(highlight=False)
    limits = Limits(max_calls, max_tokens, max_cost)
    again = (
        *(["--own-version"] if own_version else []),
        *(["--engine", engine] if engine != "local" else []),
        *(["--address", address] if address else []),
    )
    request = RunRequest(project, limit, only_failed, order, own_version, prune, limits, file, again)
    if dry_run:
        from backend.commands.dry_run import show_forecast

        show_forecast(request, sample, values, console)
        return
    try:
        with only_run(values.cache_dir, str(values.label_studio_url), project):
            code = preannotate_project(request, values, console, *reading(engine, address or "auto"))
    except KeyboardInterrupt:
        console.print("Stopped. Nothing was read yet.")
        code = 1
    raise click.exceptions.Exit(code)
