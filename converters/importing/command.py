"""`twinread import`: label files and their images into a Label Studio project, and what that came to.

Each task's data holds where it came from. A task that the project has already is not made again, so an
import that was stopped is just started once more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from backend.cores import cores
from backend.errors import BadRequest, SettingsWrong
from backend.label_studio import explanations
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.prediction_check import PredictionCheck
from backend.outputs import check_writable, printable, write_summary
from backend.text import languages
from converters.importing import new_tasks
from converters.importing.files import files_in, folders_of, read_file
from converters.importing.images import PreparedRow, prepare
from converters.importing.new_tasks import KEY
from converters.importing.options import ImageLimits, ImportOptions
from converters.importing.terminal import tell
from converters.importing.totals import ImportTotals, RowNote
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
    options: ImportOptions
    check: PredictionCheck


@dataclass(frozen=True, slots=True)
class _ExistingTask:
    """A task that the project has.

    regions: the digest of what its row said when it was made (`new_tasks.key_of`).
    annotated: it has an annotation.
    """

    regions: str
    annotated: bool


def run(
    paths: Sequence[Path],
    api: LabelStudio,
    project: int,
    *,
    names: LabelNames,
    options: ImportOptions,
    limits: ImageLimits,
    images_dir: Path | None = None,
    console: Console,
    summary_json: Path | None = None,
) -> int:
    """Import label files, print what it came to, and write that for machines, too.

    Args:
        paths: label files, or folders that hold some (see `files_in`).
        api: Label Studio.
        project: its id.
        names: what the project calls the four labels.
        options: how tasks are made.
        limits: what one image may cost.
        images_dir: what image names are relative to; by default the label file's folder.
        console: where to print.
        summary_json: where to write the totals for machines.

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
    totals = ImportTotals()
    if not any(file.count for _, file in files):
        names_of_files = ", ".join(file.name for _, file in files)
        console.print(
            f"There is nothing to import: no row in {printable(names_of_files)}. Pass a label file with "
            "rows of image<TAB>label.",
            markup=False,
        )
        if summary_json:
            write_summary(summary_json, totals.summary())
        return 1
    xml = str(api.project(project).get("label_config") or "")
    config = LabelingConfig.parse(xml, names)
    if config.multi_image or config.source != f"${config.data_field}":
        raise BadRequest(
            f'Project {project} takes its images from "{config.source}", and an import makes tasks of one '
            'image each. Import into a project whose Image tag has a value like "$image".'
        )
    target = _Target(api, project, config, options, PredictionCheck(xml))
    existing = _existing_tasks(api, project)
    try:
        with progress(console) as bars:
            for path, file in files:
                bar = bars.add_task(escape(printable(file.name)), total=len(file.rows))
                base = folders_of(path, images_dir)
                for done in _import_file(file, base, target, existing, limits, totals):
                    bars.advance(bar, done)
    finally:
        # also when Label Studio failed on the way: what was made is made
        tell(totals, [file for _, file in files], console)
        if summary_json:
            write_summary(summary_json, totals.summary())
    if totals.made and not options.approved:
        if target.check.unchecked:
            console.print(target.check.unchecked, markup=False)
        versions = ", ".join(dict.fromkeys(f"imported:{file.name}" for _, file in files))
        console.print(
            f"To meet the lines in the label stream, choose {printable(versions)} under Settings > "
            "Annotation > Use predictions to prelabel tasks. A task that is opened from the list shows them "
            "anyway.",
            markup=False,
        )
    return 1 if totals.rows_left_out or totals.regions_left_out else 0


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


def _existing_tasks(api: LabelStudio, project: int) -> dict[str, _ExistingTask]:
    """The tasks that earlier imports made, by image."""
    found: dict[str, _ExistingTask] = {}
    for task in api.tasks(project, fields="task_only", page_size=1000):
        key = task.get("data", {}).get(KEY)
        if isinstance(key, str):
            image, _, regions = key.partition("-")
            found[image] = _ExistingTask(regions, annotated=bool(task["total_annotations"]))
    return found


def _import_file(
    file: LabelFile,
    base: tuple[Path, ...],
    target: _Target,
    existing: dict[str, _ExistingTask],
    limits: ImageLimits,
    totals: ImportTotals,
) -> Iterator[int]:
    """Import one file, a batch at a time; yields how many rows are done."""
    totals.rows += file.count
    totals.rows_left_out += file.left_out
    rows = iter(file.rows)
    taken: dict[Path, str] = {}
    with ThreadPoolExecutor(cores()) as pool:
        while batch := list(islice(rows, BATCH)):
            with tempfile.TemporaryDirectory(prefix="twinread-import-") as folder:
                prepared = pool.map(
                    lambda numbered, folder=folder: prepare(
                        numbered[1], file.name, base, Path(folder) / str(numbered[0]), limits
                    ),
                    enumerate(batch),
                )
                ready: list[PreparedRow] = []
                for found in prepared:
                    if (
                        not isinstance(found, LeftOut)
                        and taken.setdefault(found.source, found.row.image) != found.row.image
                    ):
                        found = _taken(found, file.name, taken[found.source])
                    if isinstance(found, LeftOut):
                        totals.rows_left_out.append(found)
                    elif found.key[0] in existing:
                        totals.already_there += 1
                        task = existing[found.key[0]]
                        totals.changed += task.regions != found.key[1]
                        totals.still_predictions += target.options.approved and not task.annotated
                    else:
                        if found.moved:
                            totals.moved.append((found.row.image, found.source.name))
                        ready.append(found)
                        existing[found.key[0]] = _ExistingTask(
                            found.key[1], annotated=target.options.approved
                        )
                for image in _make(ready, file.name, target, totals):
                    del existing[image]
            yield len(batch)


def _taken(found: PreparedRow, file: str, by: str) -> LeftOut:
    """Of old/a.png and new/a.png only one can be the a.png that is there."""
    sentence = (
        f"its image and that of another row, {by}, would both be the one file {found.source.name}, so "
        "this one was left out; pass --images FOLDER with the folder above, which tells them apart"
    )
    row = found.row
    return LeftOut(file, row.line, row.image, RowReason.MISSING, sentence, len(row.regions))


def _make(ready: Sequence[PreparedRow], file: str, target: _Target, totals: ImportTotals) -> set[str]:
    """Make the tasks of rows whose lines fit the labeling config; returns the images of the other rows."""
    made, misfits = [], set()
    for each in ready:
        task = new_tasks.task_of(
            # without an address, because an image is uploaded only when its lines fit
            *(each.row, each.page_size, "", target.config, target.options),
            file=file,
            key=each.key,
            notes=each.notes,
        )
        faults = [target.check.misfit(prediction) for prediction in task.task.get("predictions", ())]
        if any(faults):
            sentence = (
                f"{'; '.join(filter(None, faults))}. Label Studio drops or refuses such lines; change the "
                "labeling config under Settings > Labeling Interface, and import again"
            )
            why = RowReason.MISFIT
            out = LeftOut(file, each.row.line, each.row.image, why, sentence, task.regions)
            totals.rows_left_out.append(out)
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
    totals.made += len(made)
    for each, task in made:
        totals.converted += each.converted
        totals.noted += [
            RowNote(file, each.row.line, each.row.image, note)
            for note in explanations.page_notes(each.notes, "en")
        ]
        totals.regions_unreadable += each.row.unreadable
        totals.lines += task.regions
        totals.reshaped += task.reshaped
        totals.regions_left_out += task.left_out
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
            options=ImportOptions(as_annotations, language, values.message_language),
            images_dir=images_dir,
            limits=ImageLimits(values.max_image_bytes, values.max_page_pixels, values.max_jpeg_scans),
            console=Console(soft_wrap=True),
            summary_json=summary_json,
        )
    if code:
        raise click.exceptions.Exit(code)
