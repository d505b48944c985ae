"""The command `twinread`: a table of sub-commands, each imported when it is called, so `--help` is fast."""

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
    "preannotate": (
        "backend.commands.preannotate:preannotate",
        "Read every page of a project that lacks a prediction, and store what was read.",
    ),
    "status": (
        "backend.commands.review:status",
        "Show pages and lines by state, people and pace.",
    ),
    "reread": (
        "backend.commands.review:reread",
        "Read boxes again that people moved, beside their own work.",
    ),
    "store": (
        "backend.commands.store:store",
        "Show what is in the store of readings, and delete what nobody needs.",
    ),
    "lines": (
        "backend.commands.lines:lines",
        "Put the doubtful lines of a project on sheets, ten at a time.",
    ),
    "audit": (
        "backend.commands.audit:audit",
        "Have people type a sample of agreed lines blind, and say what the others are worth.",
    ),
    "next": ("backend.commands.next_tasks:next_", "Put the pages that teach most to the front of a project."),
    "export": ("converters.commands:export", "Export what people approved as a PaddleOCR training set."),
    "check": ("converters.commands:check", "Say before training what PaddleOCR would do with each row."),
    "import": (
        "converters.importing.command:import_",
        "Turn PaddleOCR label files into tasks to be reviewed.",
    ),
    "round": (
        "converters.rounds.command:round_",
        "Train on what people approved, and let the model read if it is better.",
    ),
    "predict": ("converters.prediction.command:predict", "Read pages or line crops with one model."),
    "train": (
        "converters.training.command:train",
        "Train a recogniser on a dataset, with PaddleOCR's trainer.",
    ),
    "export-model": (
        "converters.training.export_command:export_model_",
        "Make a model that reads of what was trained, and compare the two.",
    ),
    "report": ("converters.report.command:report", "Say what the readings were worth, from people's work."),
    "evaluate": (
        "converters.evaluation.command:command",
        "Say what a model is worth on lines that people approved.",
    ),
    "promote": (
        "converters.promotion.command:command",
        "Let a trained model read, when it is better than the one that reads.",
    ),
}
"""For each sub-command: where it is, as "module:function", and its summary."""


class Commands(click.Group):
    """A group of commands that shows their summaries without importing them."""

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
    """Run the command; an error of ours ends it with one message and the error's exit code."""
    try:
        twinread()
    except TwinreadError as error:
        from backend.outputs import printable_lines

        # a sentence may quote a foreign file
        click.echo(f"twinread: {printable_lines(str(error))}", err=True)
        sys.exit(error.exit_code)
