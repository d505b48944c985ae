"""The sub-command `audit`: agreed lines typed blind by people, and what that says of all the others."""

from __future__ import annotations

import click


@click.command()
@click.option("--project", type=int, required=True, help="Number of the page project.")
@click.option(
    "--target",
    metavar="SHARE",
    help="Share of wrong lines that you accept, such as 1% or 0.01. Default: AUDIT_TARGET, which is 0.01.",
)
@click.option("--lines-project", type=int, help="Number of its line project; found or made without it.")
@click.option("--limit", type=click.IntRange(min=1), help="Put no more lines than this on new sheets.")
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the figures to this file, too.")
def audit(
    project: int,
    target: str | None,
    lines_project: int | None,
    limit: int | None,
    summary_json: str | None,
) -> None:
    """Show with 95 % confidence that at most so many of the agreed lines are wrong.

    A sample of them, drawn by chance from all pages, comes onto sheets of the line project without a text:
    what people type is compared with what the readers agree on. Run this again when the sheets are answered:
    it says what may be claimed, and makes more sheets where more are needed. One line of eight comes twice,
    for another person, to see what people themselves get wrong. A new model version starts anew. Ctrl-C, a
    crash or a reboot lose nothing.

    Where a typed text differs, the page gets it, as from any sheet.
    """
    from pathlib import Path

    from rich.console import Console

    from backend.commands.sheet_run import make_sheets
    from backend.guarantee.targets import target_of
    from backend.outputs import check_writable, write_summary
    from backend.settings import logs, settings
    from backend.sheets import audit_table
    from backend.sheets.auditing import AuditRequest
    from backend.sheets.auditing import audit as put_on_sheets
    from backend.sheets.making import FOLDER
    from backend.sheets.offered_texts import TextRules

    if summary_json:
        check_writable(Path(summary_json))
    wanted = None if target is None else target_of(target)
    values = settings.load()
    logs.configure(values.log_level)
    console = Console(highlight=False)
    request = AuditRequest(
        project=project,
        target=values.audit_target if wanted is None else wanted,
        per_sheet=values.lines_per_sheet,
        rules=TextRules(values.ocr_language, values.text_style),
        messages=values.message_language,
        first_sample=values.sample_pages,
        notes=values.cache_dir / FOLDER,
        line_project=lines_project,
        limit=limit,
    )
    made = make_sheets(
        lambda api, config, bars: put_on_sheets(api, request, config, bars), project, values, console
    )
    audit_table.show(made, project, console)
    if summary_json:
        write_summary(Path(summary_json), audit_table.figures(made, request.target))
    if made.stopped:
        raise click.exceptions.Exit(1)
