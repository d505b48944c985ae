"""`twinread import`: label files and their images into a Label Studio project, and an account of it.

Each task's data holds where it came from. A task that the project has already is not made again, so an
import that was stopped is just started once more.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
from rich.console import Console

from backend.errors import BadRequest, SettingsWrong
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.prediction_check import PredictionCheck
from backend.outputs import check_writable, write_summary
from backend.text import languages
from converters.importing import new_tasks
from converters.importing.files import files_in, folders_of, read_file
from converters.importing.images import Limits, Ready, look
from converters.importing.new_tasks import KEY, ImportOptions
from converters.importing.totals import ImportTotals, tell
from converters.paddleocr.label_files import LabelFile, LeftOut, RowReason
from converters.shared.progress import progress

BATCH = 100
"""Rows whose images are uploaded and whose tasks are made in one step."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where tasks go, and how they are made."""

    api: LabelStudio
    project: int
    config: LabelingConfig
    manner: ImportOptions
    check: PredictionCheck


@dataclass(frozen=True, slots=True)
class _ExistingTask:
    """A task that the project has: what its row said when it was made, and whether it has an annotation."""

    said: str
    annotated: bool


def run(
    paths: Sequence[Path],
    api: LabelStudio,
    project: int,
    *,
    names: LabelNames,
    manner: ImportOptions,
    limits: Limits,
    images_dir: Path | None = None,
    console: Console,
    summary_json: Path | None = None,
) -> int:
    """Import label files, tell it on the terminal, and write the account.

    Args:
        paths: label files, or folders that hold some (see `files_in`).
        api: Label Studio.
        project: its id.
        names: what the project calls the four labels.
        manner: how tasks are made.
        limits: what one image may cost.
        images_dir: what image names are relative to; by default the label file's folder.
        console: where to tell.
        summary_json: where to write the account for machines.

    Returns:
        The exit code: 0 when every row and region is in the project, else 1, also where there is no row.

    Raises:
        BadRequest: there is no label file, or the project's labeling config cannot show its lines.
        LabelStudioFailed: Label Studio is out of reach or refused; what was made before stays.
        OperatorError: a file cannot be read or written.
    """
    if summary_json:
        check_writable(summary_json)
    files = [(path, read_file(path)) for found in paths for path in files_in(found)]
    account = ImportTotals()
    if not any(file.count for _, file in files):
        names_of_files = ", ".join(file.name for _, file in files)
        console.print(
            f"There is nothing to import: no row in {names_of_files}. Pass a label file with rows of "
            "image<TAB>label.",
            markup=False,
        )
        if summary_json:
            write_summary(summary_json, account.summary())
        return 1
    xml = str(api.project(project).get("label_config") or "")
    config = LabelingConfig.parse(xml, names)
    if config.multi_image or config.source != f"${config.data_field}":
        raise BadRequest(
            f'Project {project} takes its images from "{config.source}", and an import makes tasks of one '
            'image each. Import into a project whose Image tag has a value like "$image".'
        )
    target = _Target(api, project, config, manner, PredictionCheck(xml))
    there = _there(api, project)
    try:
        with progress(console) as bars:
            for path, file in files:
                bar = bars.add_task(file.name, total=len(file.rows))
                base = folders_of(path, images_dir)
                for done in _import_file(file, base, target, there, limits, account):
                    bars.advance(bar, done)
    finally:
        # also when Label Studio failed on the way: what was made is made
        tell(account, [file for _, file in files], console)
        if summary_json:
            write_summary(summary_json, account.summary())
    if account.made and not manner.approved:
        if target.check.unchecked:
            console.print(target.check.unchecked, markup=False)
        shown = ", ".join(dict.fromkeys(f"imported:{file.name}" for _, file in files))
        console.print(
            f"To meet the lines in the label stream, choose {shown} under Settings > Annotation > "
            "Use predictions to prelabel tasks. A task that is opened from the list shows them anyway.",
            markup=False,
        )
    return 1 if account.rows_left_out or account.regions_left_out else 0


def known_language(name: str) -> str:
    """The code of a language, by any usual name of it, that readings can be judged by.

    Raises:
        BadRequest: no such language, or its letters are not known.
    """
    try:
        languages.letters(name)
        return languages.language_code(name)
    except SettingsWrong as error:
        raise BadRequest(f"--language: {error}") from error


def _there(api: LabelStudio, project: int) -> dict[str, _ExistingTask]:
    """The tasks that earlier imports made, by image."""
    found: dict[str, _ExistingTask] = {}
    for task in api.tasks(project, fields="task_only", page_size=1000):
        key = task.get("data", {}).get(KEY)
        if isinstance(key, str):
            image, _, said = key.partition("-")
            found[image] = _ExistingTask(said, annotated=bool(task["total_annotations"]))
    return found


def _import_file(
    file: LabelFile,
    base: tuple[Path, ...],
    target: _Target,
    there: dict[str, _ExistingTask],
    limits: Limits,
    account: ImportTotals,
) -> Iterator[int]:
    """Import one file, a batch at a time; yields how many rows are done."""
    account.rows += file.count
    account.rows_left_out += file.left_out
    rows = iter(file.rows)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        while batch := list(islice(rows, BATCH)):
            with tempfile.TemporaryDirectory(prefix="twinread-import-") as folder:
                looked = pool.map(
                    lambda numbered, folder=folder: look(
                        numbered[1], file.name, base, Path(folder) / str(numbered[0]), limits
                    ),
                    enumerate(batch),
                )
                ready: list[Ready] = []
                for found in looked:
                    if isinstance(found, LeftOut):
                        account.rows_left_out.append(found)
                    elif found.key[0] in there:
                        account.there += 1
                        task = there[found.key[0]]
                        account.changed += task.said != found.key[1]
                        account.still_predictions += target.manner.approved and not task.annotated
                    else:
                        ready.append(found)
                        there[found.key[0]] = _ExistingTask(found.key[1], annotated=target.manner.approved)
                for image in _make(ready, file.name, target, account):
                    del there[image]
            yield len(batch)


def _make(ready: Sequence[Ready], file: str, target: _Target, account: ImportTotals) -> set[str]:
    """Make the tasks of rows whose lines fit the labeling config; returns the images of the other rows."""
    made, misfits = [], set()
    for each in ready:
        task = new_tasks.task_of(
            # without an address, because an image is uploaded only when its lines fit
            *(each.row, each.page_size, "", target.config, target.manner),
            file=file,
            key=each.key,
        )
        faults = [target.check.misfit(prediction) for prediction in task.task.get("predictions", ())]
        if any(faults):
            sentence = (
                f"{'; '.join(filter(None, faults))}. Label Studio drops or refuses such lines; change the "
                "labeling config under Settings > Labeling Interface, and import again"
            )
            why = RowReason.MISFIT
            account.rows_left_out.append(
                LeftOut(file, each.row.line, each.row.image, why, sentence, task.regions)
            )
            misfits.add(each.key[0])
        else:
            made.append((each, task))
    if not made:
        return misfits
    uploads = target.api.upload_files(target.project, [each.path for each, _ in made])
    target.api.import_tasks(
        target.project,
        [
            new_tasks.with_address(task.task, target.config, upload.address)
            for (_, task), upload in zip(made, uploads, strict=True)
        ],
    )
    account.made += len(made)
    for each, task in made:
        account.converted += each.converted
        account.regions_unreadable += each.row.unreadable
        account.lines += task.regions
        account.reshaped += task.reshaped
        account.regions_left_out += task.left_out
    return misfits


@click.command("import")
@click.argument("labels", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--project", required=True, type=int, help="Number of the Label Studio project.")
@click.option(
    "--images",
    "images_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that image names are relative to; by default the label file's own.",
)
@click.option(
    "--as-annotations",
    is_flag=True,
    help="Import as submitted annotations, for a set that needs no review (never marked as ground truth).",
)
@click.option("--language", default="", help="Language of the lines (ru, uk, el, ...), kept with each task.")
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the account to this file, too.",
)
def import_(
    labels: tuple[Path, ...],
    project: int,
    images_dir: Path | None,
    as_annotations: bool,
    language: str,
    summary_json: Path | None,
) -> None:
    """Turn PaddleOCR label files into tasks to be reviewed.

    LABELS are detection files (Label.txt, det_gt.txt), recognition files (rec_gt.txt) or folders of
    PPOCRLabel. Lines arrive as predictions, each waiting for a decision, because published sets are
    often wrong. A TIFF is uploaded as PNG, because neither Label Studio nor a browser takes it. Run it
    again after a stop: what is there is not made twice.
    """
    from backend.settings import connect, logs, settings

    language = language and known_language(language)
    values = settings.load()
    logs.configure("ERROR")
    with connect.label_studio(values) as api:
        code = run(
            labels,
            api,
            project,
            names=values.label_names,
            manner=ImportOptions(as_annotations, language, values.message_language),
            images_dir=images_dir,
            limits=Limits(values.max_image_bytes, values.max_page_pixels),
            console=Console(soft_wrap=True),
            summary_json=summary_json,
        )
    if code:
        raise click.exceptions.Exit(code)
