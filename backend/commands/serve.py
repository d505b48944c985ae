"""The sub-commands that run and connect the backend: `serve`, `doctor` and `setup-project`.

Each imports the modules it needs when it is called, so that `--help` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backend.label_studio.message_language import MESSAGE_LANGUAGES

if TYPE_CHECKING:
    from backend.label_studio.client import LabelStudio

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
    backend_url: str,
) -> None:
    """Create or update a Label Studio project with our labeling config, connected to the backend.

    A second run changes nothing. What people set in an existing project (its labeling config,
    instructions, sampling, ...) is kept and shown beside twinread's, unless --update. The pages are read
    by `twinread preannotate`.
    """
    from backend.outputs import printable
    from backend.projects.set_up import ProjectSpec, set_up
    from backend.settings import connect, logs, settings

    values = settings.load(**({"message_language": language} if language else {}))
    logs.configure(values.log_level)
    with connect.label_studio(values) as api:
        done = set_up(api, ProjectSpec(title, backend_url, project, frozenset(update)), values)
        for sentence in (*(done.changes or ["Nothing had to change."]), *done.kept):
            for line in sentence.splitlines():
                click.echo(printable(line))
        click.echo(
            f"Project {done.project}: {api.base_url}/projects/{done.project}/data. Only Label Studio itself "
            "can invite people (Organization), and each annotator's own browser switches on "
            "Auto-Annotation and Auto-Accept Suggestions, at the bottom of the page."
        )
        click.echo(_next_step(api, done.project))


def _next_step(api: LabelStudio, project: int) -> str:
    """What a person does next, now that the project is set up."""
    from backend.bulk.tasks import count_lacking

    shown = api.project(project)
    tasks = int(shown.get("task_number") or 0)
    command = f"twinread preannotate --project {project}"
    if not tasks:
        return f"Import images at {api.base_url}/projects/{project}/data, then run `{command}` to read them."
    empty = count_lacking(api, project, str(shown.get("model_version") or ""))
    if not empty:
        return f"All {tasks:,} pages have a prediction of the version that fills pages."
    return (
        f"{empty:,} of {tasks:,} pages have no prediction of the version that fills pages: run `{command}`."
    )
