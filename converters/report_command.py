"""`twinread report`: reads a project or an export, counts, and writes the page and the summary."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend.config_tags import LabelNames
from backend.crops import TallLines
from backend.errors import BadRequest, LabelStudioFailed, OperatorError
from backend.label_studio_api import LabelStudioApi
from converters import report_page, tasks
from converters.comparison import compare
from converters.judging import Rules
from converters.pages import PageSource
from converters.report import Report
from converters.report_crops import crops_of
from converters.tasks import TaskSource, as_task


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is made of and how.

    title: what it is about.
    names: what labels are called.
    people: annotators' names by id, where they are known.
    """

    title: str
    names: LabelNames
    people: Mapping[str, str]
    image_field: str | None = None
    tall_lines: TallLines = "auto"
    max_pixels: int = 200_000_000


def make(source: TaskSource, images: PageSource, wanted: Wanted, console: Console) -> tuple[Report, str]:
    """Count everything, and write the page.

    Args:
        source: the tasks.
        images: gives their images.
        wanted: what the report is made of.
        console: where progress is shown.

    Raises:
        BadRequest: the file is no export.
        OperatorError: Label Studio is out of reach or refuses.
    """
    report = Report()
    rules = Rules(names=wanted.names, config=source.config)
    with _progress(console) as progress:
        bar = progress.add_task("Reading tasks", total=source.total)
        for item in source.tasks:
            task = as_task(item)
            if task is None:
                report.no_tasks += 1
            else:
                report.add(compare(task, rules), dict(task["data"]))
            progress.advance(bar)
        shown = report_page.shown_lines(report)
        cutting = progress.add_task("Cutting out lines", total=len(shown))
        crops = crops_of(
            shown,
            images,
            source.config,
            image_field=wanted.image_field,
            tall_lines=wanted.tall_lines,
            max_pixels=wanted.max_pixels,
            done=lambda count: progress.advance(cutting, count),
        )
    return report, report_page.page(report, wanted.title, crops, wanted.people)


def tell(report: Report, console: Console) -> None:
    """The report in a few lines on the terminal."""
    every = report.all
    share, rate = report_page.share, report_page.rate
    words = [
        (
            "lines",
            f"{every.lines:,} in {every.tasks:,} tasks with submitted work, of {report.tasks_read:,} tasks",
        ),
        (
            "arrived ready",
            _with_interval(share(every.agreed, every.unknown), every.agreed.interval),
        ),
        (
            "of those right",
            _with_interval(share(every.right, every.unknown), every.right.interval),
        ),
        (
            "CER filled in",
            _with_interval(rate(every.prefilled, every.unknown), every.prefilled.interval, 2),
        ),
    ]
    for (version, letter), (read, _) in report.readers().items():
        told = _with_interval(rate(read), read.interval, 2)
        words.append((f"CER reader {letter}", f"{told}   {version}"))
    words.append(("time per line", report_page.seconds(every)))
    for name, value in words:
        console.print(f"{name:>15}  {value}", markup=False)
    if every.unknown:
        console.print(
            f"Of {every.unknown:,} lines the prediction is not known: export files mostly leave them out. "
            "Run the report with --project.",
            markup=False,
        )


def _with_interval(said: str, pair: tuple[float, float] | None, digits: int = 1) -> str:
    return said if pair is None else f"{said} ({report_page.interval(pair, digits)})"


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        yield progress


def people_of(api: LabelStudioApi) -> dict[str, str]:
    """Annotators' addresses by id; empty where the key may not see them, because ids do as well."""
    try:
        users = api.call("GET", "/api/users/", "list its users")
    except LabelStudioFailed:
        return {}
    return {str(user["id"]): str(user.get("email") or user["id"]) for user in users}


def write(path: Path, content: str) -> None:
    """Write a file whole or not at all.

    Raises:
        OperatorError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(content, "utf-8", newline="")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise OperatorError(
            f"{path} cannot be written ({error.strerror}). Make room or name another file with --out."
        ) from error


@click.command()
@click.option("--project", type=int, help="Number of the project in Label Studio.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An export of Label Studio, JSON; most exports leave out the predictions, which are then not known.",
)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --json: folder that holds the images; without it they are fetched.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --json: the project's labeling config, XML.",
)
@click.option("--image-field", metavar="FIELD", help="Field of the task's data that names its image.")
@click.option(
    "--out",
    default="report.html",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page.",
)
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all numbers to this file, too.",
)
def report(
    project: int | None,
    json_file: Path | None,
    images: Path | None,
    config: Path | None,
    image_field: str | None,
    out: Path,
    summary_json: Path | None,
) -> None:
    """Say what the readings were worth, from the work of people.

    Share of lines that agreed, and how many of those were right; error rates of each reader and of the
    filled-in text; confusions with example crops; edits and time per line, by language and annotator;
    agreement between annotators; curves over time. One HTML page that needs no network.
    """
    from backend import logs, settings
    from backend.errors import SettingsWrong
    from backend.sources import SourceLimits, Sources

    if (project is None) == (json_file is None):
        raise BadRequest("Say what to report on: --project NUMBER, or --json FILE for an export.")
    values = settings.load()
    logs.configure("ERROR")
    console = Console(highlight=False, soft_wrap=True)
    names = LabelNames(values.label_text, values.label_check, values.label_illegible, values.label_not_text)
    with ExitStack() as opened:
        api = None
        if values.label_studio_api_key is not None:
            api = opened.enter_context(
                LabelStudioApi(str(values.label_studio_url), values.label_studio_api_key)
            )
        people: dict[str, str] = {}
        if json_file is not None:
            xml = config.read_text("utf-8") if config else None
            known = tasks.config_of(xml, names) if xml is not None else None
            source, title = TaskSource(tasks.from_file(json_file), known), json_file.name
        elif api is None:
            raise SettingsWrong(
                "LABEL_STUDIO_API_KEY is not set. Copy a key from Label Studio, Account & Settings > "
                "Personal Access Token, into the environment or .env."
            )
        else:
            assert project is not None  # noqa: S101  (checked above)
            source, people = tasks.from_project(api, project, names), people_of(api)
            title = str(api.project(project).get("title") or f"Project {project}")
        limits = SourceLimits(
            max_bytes=values.max_image_bytes,
            total_s=values.image_timeout_s,
            allowed_hosts=values.allowed_image_hosts,
            cache_bytes=values.image_cache_bytes,
        )
        fetched: PageSource = (
            tasks.ImageFolder(images, values.max_image_bytes)
            if images is not None
            else Sources(api, limits, cache_dir=values.cache_dir / "images")
        )
        wanted = Wanted(title, names, people, image_field, values.tall_lines, values.max_page_pixels)
        made, page = make(source, fetched, wanted, console)
    write(out, page)
    if summary_json:
        write(summary_json, json.dumps(made.summary(), ensure_ascii=False, indent=1) + "\n")
    tell(made, console)
    console.print(f"The page is {out}.", markup=False)
