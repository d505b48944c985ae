"""The sub-command `lines`: doubtful lines of a project on sheets, ten at a time."""

from __future__ import annotations

import click

from backend.sheets.keys import KEYBOARDS, MAX_LINES, Keyboard


@click.command()
@click.option("--project", type=int, required=True, help="Number of the page project.")
@click.option("--lines-project", type=int, help="Number of its line project; found or made without it.")
@click.option(
    "--per-sheet",
    type=click.IntRange(1, MAX_LINES),
    help="Lines of a sheet. Default: LINES_PER_SHEET, which is 10.",
)
@click.option("--annotators", type=click.IntRange(min=1), help="So many people decide each sheet.")
@click.option("--limit", type=click.IntRange(min=1), help="Put no more lines than this on new sheets.")
@click.option(
    "--keyboard",
    type=click.Choice(KEYBOARDS),
    help="What is printed on the annotators' keys. Default: as MESSAGE_LANGUAGE.",
)
@click.option(
    "--sample-pages",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of the pages that go to page review whole. Default: SAMPLE_PAGES, which is 0.05.",
)
@click.option("--collect", is_flag=True, help="Bring what people decided back to the pages; make no sheets.")
@click.option(
    "--accept-agreed",
    is_flag=True,
    help="Approve the pages without a doubtful line, which nobody looked at; make no sheets.",
)
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the figures to this file, too.")
def lines(
    project: int,
    lines_project: int | None,
    *,
    collect: bool,
    accept_agreed: bool,
    per_sheet: int | None,
    annotators: int | None,
    limit: int | None,
    keyboard: Keyboard | None,
    sample_pages: float | None,
    summary_json: str | None,
) -> None:
    """Put the doubtful lines of a project on sheets, ten at a time, the most doubtful page first.

    The sheets stand in a line project beside the page project, which is made when it is needed. Run this
    again after pages were read: it adds the lines that stand on no sheet, puts lines on a sheet anew whose
    reading or box changed, and removes sheets that nobody touched and nobody needs. What was given once
    (--annotators, --keyboard, --sample-pages) holds until it is given anew. Ctrl-C, a crash or a reboot
    lose nothing, and no line comes twice.

    With --collect, what people decided goes back to the pages: a page whose doubtful lines are all decided is
    approved, in the name of who decided. Where somebody worked on the page itself, that counts. The backend
    does the same by itself after each sheet that is submitted. With --accept-agreed, pages on which every
    line was read alike twice are approved, too, and the export marks their lines as seen by nobody.
    """
    from pathlib import Path

    from rich.console import Console

    from backend.commands.lines_collect import collect_and_accept
    from backend.commands.sheet_run import make_sheets
    from backend.outputs import check_writable, write_summary
    from backend.settings import logs, settings
    from backend.sheets import made_table
    from backend.sheets.making import FOLDER, LinesRequest, make
    from backend.sheets.offered_texts import TextRules

    if summary_json:
        check_writable(Path(summary_json))
    values = settings.load()
    logs.configure(values.log_level)
    console = Console(highlight=False)
    if collect or accept_agreed:
        if any(given is not None for given in (per_sheet, annotators, limit, keyboard, sample_pages)):
            raise click.UsageError(
                "--collect and --accept-agreed make no sheets: leave the other options out."
            )
        figures, whole = collect_and_accept(
            values, project, lines_project, console, collects=collect, accepts=accept_agreed
        )
        if summary_json:
            write_summary(Path(summary_json), figures)
        if not whole:
            raise click.exceptions.Exit(1)
        return
    request = LinesRequest(
        project=project,
        per_sheet=per_sheet or values.lines_per_sheet,
        rules=TextRules(values.ocr_language, values.text_style),
        messages=values.message_language,
        first_sample=values.sample_pages,
        notes=values.cache_dir / FOLDER,
        line_project=lines_project,
        annotators=annotators,
        keyboard=keyboard,
        sample=sample_pages,
        limit=limit,
    )
    made = make_sheets(lambda api, config, bars: make(api, request, config, bars), project, values, console)
    made_table.show(made, project, console)
    if summary_json:
        write_summary(Path(summary_json), made_table.figures(made))
    if made.stopped:
        raise click.exceptions.Exit(1)
