"""The command `twinread`: sub-commands are imported when they are called, so that `--help` is quick."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from backend import __version__
from backend.errors import TwinreadError

COMMANDS = {
    "serve": ("backend.commands.serve:serve", "Run the ML backend that Label Studio asks for predictions."),
    "doctor": (
        "backend.commands.serve:doctor",
        "Check everything the backend stands on, and say what mends it.",
    ),
    "setup-project": (
        "backend.commands.serve:setup_project",
        "Create or update a Label Studio project, connected.",
    ),
    "status": (
        "backend.commands.review:status",
        "Show pages and lines by state, people and pace.",
    ),
    "reread": (
        "backend.commands.review:reread",
        "Read boxes again that people moved, beside their own work.",
    ),
    "export": ("converters.commands:export", "Export what people approved as a PaddleOCR training set."),
    "check": ("converters.commands:check", "Say before training what PaddleOCR would do with each row."),
    "import": (
        "converters.importing.command:import_",
        "Turn PaddleOCR label files into tasks to be reviewed.",
    ),
    "report": ("converters.report.command:report", "Say what the readings were worth, from people's work."),
}
"""Name to place and summary; the place is imported late."""


class Commands(click.Group):
    """A group that knows its commands' summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command when it is called."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101  (COMMANDS names nothing else)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="twinread")
def twinread() -> None:
    """Text-line labels that can be trusted: found by PP-OCRv5, read twice, confirmed by people.

    Settings come from the environment or from .env in this folder; the README lists them.
    """


def main() -> None:
    """Run the command; a known error is one message and its exit code."""
    try:
        twinread()
    except TwinreadError as error:
        click.echo(f"twinread: {error}", err=True)
        sys.exit(error.exit_code)
