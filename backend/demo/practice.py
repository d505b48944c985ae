"""`make practice`: a project of drawn pages, entered as reviewed, to try the training on beside `make run`.

The demo has thirteen pages, and a model is trained on hundreds of lines that people confirmed. Here the truth
is known because twinread drew the pages, so that it can be entered in a person's place: this project alone
holds texts that nobody looked at, and its title says so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from backend.demo.label_studio_installation import ROOT
from backend.demo.practice_pages import PracticeLine, PracticePage, practice_pages
from backend.demo.reading import read_pages
from backend.demo.run import LANGUAGE, backend_variables, demo_account, demo_settings
from backend.errors import SettingsWrong, TwinreadError
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.label_studio.regions import Region, regions
from backend.outputs import printable_lines
from backend.page.image_files import encode
from backend.projects.set_up import ProjectSpec, set_up
from backend.settings import settings

TITLE = "twinread practice (entered by the program)"
PAGES, LINES = 60, 10
"""Pages, and lines on each: `--split 5:1:4` leaves what promotion asks for, 20 pages and 200 lines."""

ON_THE_LINE = 0.6
"""Of a line's width that a box must cover to be that line; a piece of one is of no use to a training."""

CONFIG = LabelingConfig.parse(default_config())
"""The project's tags; its labels are named by the settings."""

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Make the project and enter the truth; a second run goes on where the first one ended."""
    try:
        run()
    except KeyboardInterrupt:
        console.print("Stopped. `make practice` goes on from here.")
        return 1
    except TwinreadError as error:
        console.print(f"twinread: {printable_lines(str(error))}", style="red", markup=False)
        return error.exit_code
    return 0


def run() -> None:
    """Import, read, enter.

    Raises:
        TwinreadError: `make run` is not running, no font has the letters, or Label Studio refuses.
    """
    state = Path(os.environ.get("TWINREAD_STATE") or ROOT / ".run").resolve()
    if not (state / "account.json").is_file():
        raise SettingsWrong(
            "The demo is not running: start `make run` in another terminal and leave it running."
        )
    address = f"http://127.0.0.1:{os.environ.get('LABEL_STUDIO_PORT') or 8080}"
    backend_url = f"http://127.0.0.1:{os.environ.get('BACKEND_PORT') or 9090}"
    account = demo_account(state / "account.json")
    values = demo_settings(state)
    pages = list(practice_pages(LANGUAGE, PAGES, LINES))
    with LabelStudio(address, account.token) as api:
        read = partial(read_pages, variables=backend_variables(values, address, account, state))
        project, entered = fill_project(api, backend_url, values, pages, read)
    console.print(f"Project {project}, '{TITLE}': {entered} pages entered.")
    console.print(f"  look      {address}/projects/{project}/data")
    console.print(
        f"  go on     twinread export --project {project} --out dataset/ --split 5:1:4", markup=False
    )


def fill_project(
    api: LabelStudio,
    backend_url: str,
    values: settings.Settings,
    pages: Sequence[PracticePage],
    read: Callable[[int], object],
) -> tuple[int, int]:
    """Make the project once, let its pages be read, and enter the truth where nobody has entered anything.

    Args:
        api: Label Studio.
        backend_url: of a running backend.
        values: names of labels, sign-in of the backend.
        pages: what the project holds, by name.
        read: lets the pages of a project be read.

    Returns:
        The project's id, and how many pages were entered now.

    Raises:
        TwinreadError: as `set_up` and `LabelStudio`.
    """
    truth = {page.name: page for page in pages}
    project = set_up(api, ProjectSpec(TITLE, backend_url), values).project
    if not any(api.tasks(project, fields="task_only")):
        with TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in truth]
            for file in files:
                file.write_bytes(encode(truth[file.name].pixels, "png"))
            uploads = api.upload_files(project, files)
        tasks: list[dict[str, Any]] = [
            {"image": upload.address, "language": LANGUAGE, "page": upload.path.name} for upload in uploads
        ]
        api.import_tasks(project, tasks)
    read(project)
    entered = 0
    for task in api.tasks(project):
        if task["predictions"] and not task["annotations"]:
            predicted = task["predictions"][-1]
            lines = truth[task["data"]["page"]].lines
            api.create_annotation(
                int(task["id"]),
                entered_result(predicted["result"], lines, values.label_names),
                parent_prediction=predicted["id"],
            )
            entered += 1
    return project, entered


def entered_result(
    predicted: Sequence[Mapping[str, Any]], lines: Sequence[PracticeLine], names: LabelNames
) -> list[dict[str, Any]]:
    """What a person who knows the truth would submit.

    Args:
        predicted: the results of a stored prediction.
        lines: the page's lines.
        names: of the labels in the project.

    Returns:
        Every box of the prediction: with the line's text where it covers one, as illegible where it is a
        piece of one, and as no text elsewhere.
    """
    made: list[dict[str, Any]] = []
    for region in regions(predicted):
        line, covered = _line_under(region, lines)
        if line is None:
            made += _decided(region, names.not_text, None)
        elif covered < ON_THE_LINE:
            made += _decided(region, names.illegible, None)
        else:
            made += _decided(region, names.text, line.text)
    return made


def _line_under(region: Region, lines: Sequence[PracticeLine]) -> tuple[PracticeLine | None, float]:
    """The line that a box lies on, and the share of its width that the box covers."""
    if region.points is None:
        return None, 0.0
    left, top = region.points.min(axis=0)
    right, bottom = region.points.max(axis=0)
    middle = (top + bottom) / 2
    for line in lines:
        begin, above, end, below = line.box
        if above <= middle <= below:
            return line, float(min(right, end) - max(left, begin)) / (end - begin)
    return None, 0.0


def _decided(region: Region, label: str, text: str | None) -> list[dict[str, Any]]:
    """A region's results with its label and its text changed; other parts of it go."""
    (labelled,) = (part for part in region.results if part["type"] == CONFIG.control.labels_type)
    shape = {name: value for name, value in labelled["value"].items() if name != CONFIG.control.labels_type}
    parts = [{**labelled, "value": {**shape, CONFIG.control.labels_type: [label]}}]
    if text is not None:
        value = {**shape, "text": [text]}
        parts.append({**labelled, "from_name": CONFIG.text_name, "type": "textarea", "value": value})
    return parts


if __name__ == "__main__":
    sys.exit(main())
