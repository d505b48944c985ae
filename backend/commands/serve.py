"""The sub-commands that run and connect the backend: `serve`, `doctor` and `setup-project`.

Each imports the modules it needs when it is called, so that `--help` is fast.
"""

from __future__ import annotations

import click

from backend.label_studio.message_language import MESSAGE_LANGUAGES

PARTS = ("all", "config", "instructions", "sampling", "empty-pages", "predictions")
"""`project_fields.PARTS`, so that `--help` imports nothing; a test holds them equal."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=9090, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
def serve(host: str, port: int) -> None:
    """Run the ML backend that Label Studio asks for predictions.

    Listens on this machine only unless --host says otherwise; an address that other machines reach
    needs BASIC_AUTH_USER and BASIC_AUTH_PASS (or ALLOW_NO_PASSWORD=true).

    Once it is ready, readers on this machine are given a few rendered lines. One that reads
    nonsense goes on, and is named in the log, in /status and by `twinread doctor`.
    """
    from backend.server import waitress_server
    from backend.settings import logs, settings

    values = settings.load()
    logs.configure(values.log_level)
    waitress_server.run(values, host, port)


@click.command()
@click.option(
    "--backend-url",
    default="http://localhost:9090",
    show_default=True,
    help="Where Label Studio reaches the backend.",
)
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the findings to this file, too.")
def doctor(backend_url: str, summary_json: str | None) -> None:
    """Check everything the backend stands on, and say what mends it.

    Makes a project in Label Studio for a moment, to see whether the backend can be connected. The
    exit code is 0 only when all is well.
    """
    from dataclasses import asdict
    from pathlib import Path

    from rich.console import Console

    from backend.outputs import printable, write_summary
    from backend.projects.doctor import examine
    from backend.settings import logs, settings

    values = settings.load()
    logs.configure("ERROR")
    console = Console(highlight=False, soft_wrap=True)
    findings = []
    for check in examine(values, backend_url):
        mark = "[green]ok   [/green]" if check.ok else "[red]WRONG[/red]"
        console.print(f"{mark} {check.about}: ", end="")
        console.print(printable(check.says), markup=False)
        findings.append(check)
    wrong = sum(not check.ok for check in findings)
    console.print(f"{wrong} of {len(findings)} checks failed." if wrong else "All is well.")
    if summary_json:
        write_summary(Path(summary_json), [asdict(check) for check in findings])
    if wrong:
        raise click.exceptions.Exit(1)


@click.command("setup-project")
@click.option(
    "--title", default="twinread", show_default=True, help="Title of the project to find or create."
)
@click.option("--project", type=int, help="Number of an existing project, instead of a title.")
@click.option(
    "--update",
    multiple=True,
    is_flag=False,
    flag_value="all",
    type=click.Choice(PARTS),
    help="Put twinread's own in place of what the project has: everything, or the parts that are named.",
)
@click.option("--language", type=click.Choice(MESSAGE_LANGUAGES), help="Language of hints and instructions.")
@click.option("--retrieve", is_flag=True, help="Let every page be read now, and fill pages from that.")
@click.option(
    "--backend-url",
    default="http://localhost:9090",
    show_default=True,
    help="Where Label Studio reaches the backend.",
)
def setup_project(
    title: str,
    project: int | None,
    update: tuple[str, ...],
    language: str | None,
    retrieve: bool,
    backend_url: str,
) -> None:
    """Create or update a Label Studio project with our labeling config, connected to the backend.

    A second run changes nothing. What people set in an existing project (its labeling config,
    instructions, sampling, ...) is kept and shown beside twinread's, unless --update. Run it again
    after each import with --retrieve: it lets every page be read, and makes pages be filled from what
    is stored, the most doubtful first, so that they are filled when the backend is down, too.
    """
    from functools import partial

    from rich.progress import Progress

    from backend.outputs import printable
    from backend.projects import retrieval
    from backend.projects.backend_connection import is_at_work, refused_pages
    from backend.projects.set_up import ProjectSpec, set_up
    from backend.settings import connect, logs, settings

    values = settings.load(**({"message_language": language} if language else {}))
    logs.configure(values.log_level)
    with connect.label_studio(values) as api:
        done = set_up(api, ProjectSpec(title, backend_url, project, frozenset(update)), values)
        changes, total = list(done.changes), 0
        if retrieve:
            at_work = partial(is_at_work, backend_url, values.basic_auth)
            with Progress(transient=True) as progress:
                reading = progress.add_task("Reading pages")
                for left in retrieval.retrieve(api, done.project, at_work):
                    total = max(total, left)
                    progress.update(reading, total=total, completed=total - left)
            changes += retrieval.choose_predictions(api, done.project)
        reasons = partial(refused_pages, backend_url, values.basic_auth)
        steps = retrieval.remaining_steps(api, done.project, reasons, asked=retrieve)
        for sentence in (*(changes or ["Nothing had to change."]), *done.kept, *steps):
            for line in sentence.splitlines():
                click.echo(printable(line))
        click.echo(
            f"Project {done.project}: {api.base_url}/projects/{done.project}/data. Only Label Studio itself "
            "can invite people (Organization), and each annotator's own browser switches on "
            "Auto-Annotation and Auto-Accept Suggestions, at the bottom of the page."
        )
    if total and steps:
        # pages were to be read, and not all were
        raise click.exceptions.Exit(1)
