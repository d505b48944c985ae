"""Published sets of labels, imported into a real Label Studio."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from backend.commands.cli import twinread
from backend.errors import BadRequest, ConfigIncomplete, LabelStudioFailed
from backend.fetching.sources import SourceLimits, Sources
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_tags import DEFAULT_NAMES
from backend.label_studio.default_config import default_config
from backend.label_studio.regions import regions
from backend.page import image_files
from converters.importing import command, files
from converters.importing.options import ImageLimits, ImportOptions
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.samples import all_samples

pytestmark = LABEL_STUDIO

DATA = Path(__file__).resolve().parent.parent / "data" / "paddle"


@pytest.fixture(scope="module")
def api(label_studio: RunningLabelStudio) -> LabelStudio:
    return label_studio.api()


@pytest.fixture
def project(api: LabelStudio) -> int:
    return int(api.create_project(title="Import", label_config=default_config())["id"])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample pages with their `Label.txt`, as somebody would publish them."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "images").mkdir()
    for page in all_samples():
        shutil.copy(page.path, folder / "images")
    shutil.copy(DATA / "paddle_from_dev" / "Label.txt", folder)
    return folder


def run(api, project, *paths, console=None, **options):
    summary = Path(paths[0].parent if paths[0].is_file() else paths[0]) / "summary.json"
    fields = {
        "names": DEFAULT_NAMES,
        "options": ImportOptions(**options),
        "limits": ImageLimits(),
        "summary_json": summary,
    }
    try:
        code = command.run(paths, api, project, console=console or Console(quiet=True), **fields)
    finally:
        told = json.loads(summary.read_text("utf-8"))
        summary.unlink()
    return code, told


@pytest.mark.parametrize(
    ("folder", "count", "field"),
    [
        pytest.param("rec_pdx", 20, "predictions", id="a training set of others"),
        pytest.param("rec_greek", 12, "predictions", id="polytonic Greek"),
        pytest.param("rec_words", 8, "annotations", id="eight scripts, trusted"),
    ],
)
def test_every_line_of_a_set_stands_in_label_studio_letter_for_letter(
    api, project, tmp_path, folder, count, field
):
    shutil.copytree(DATA / folder, tmp_path / folder)
    (file,) = files.files_in(tmp_path / folder)

    code, told = run(api, project, tmp_path / folder, approved=field == "annotations")

    assert (code, told["rows"], told["tasks_made"], told["lines"]) == (0, count, count, count)
    truth = dict(row.split("\t") for row in file.read_text("utf-8").splitlines())
    tasks = list(api.tasks(project))
    fetched = Sources(api, SourceLimits())
    for task in tasks:
        (said,) = task[field]
        assert not task["predictions" if field == "annotations" else "annotations"]
        (region,) = regions(said["result"])
        name = task["data"]["imported_image"]
        assert region.texts == (truth.pop(name),)
        content = fetched.fetch(task["data"]["image"], task_id=task["id"])
        assert content == (file.parent / name).read_bytes()
        page = image_files.decode(content, max_pixels=10**8)
        assert region.page_size == (page.width, page.height)
        if field == "annotations":
            assert (said["ground_truth"], said["was_cancelled"]) == (False, False)
        else:
            assert said["model_version"] == f"imported:{file.name}"
    assert not truth


def test_pages_come_with_their_boxes_and_a_tiff_as_png(api, project, pages):
    code, told = run(api, project, pages / "Label.txt", language="ru")

    assert told["rows"] == told["tasks_made"] == 22
    assert told["images_converted"] == 2
    assert told["lines"] + sum(told["regions_left_out"].values()) == 215
    assert code == (1 if told["regions_left_out"] else 0)
    tasks = {task["data"]["imported_image"]: task for task in api.tasks(project)}
    assert tasks["images/phototest.tif"]["data"]["image"].endswith(".png")
    assert {task["data"]["language"] for task in tasks.values()} == {"ru"}
    # the page that EXIF turns: boxes lie where a browser shows the lines
    turned = next(task for name, task in tasks.items() if "exif6" in name)
    truth = next(page for page in all_samples() if "exif6" in page.path.name)
    found = regions(turned["predictions"][0]["result"])
    assert sorted(region.texts[0] for region in found) == sorted(truth.texts)
    assert all((region.points >= -2).all() for region in found)
    assert all((region.points <= [truth.width + 2, truth.height + 2]).all() for region in found)
    assert tasks["images/syn_069_empty_white.png"]["predictions"][0]["result"] == []


def test_a_second_import_makes_nothing_twice_and_a_grown_set_only_what_is_new(api, project, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(DATA / "rec_words", folder)
    file = folder / "rec_gt.txt"
    rows = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(rows[:5]), "utf-8")

    assert run(api, project, file)[1]["tasks_made"] == 5
    file.write_text("".join(rows).replace("Време", "Vreme") + "images/none.png\tmissing\n", "utf-8")
    code, told = run(api, project, file)

    assert code == 1
    assert (told["rows"], told["tasks_made"], told["already_there"]) == (9, 3, 5)
    assert told["already_there_with_other_labels"] == 1
    assert told["rows_left_out"] == {"its image is missing": 1}
    assert [(row["row"], row["image"]) for row in told["problems"]] == [(9, "images/none.png")]
    assert len(list(api.tasks(project))) == 8


def test_tasks_that_wait_for_review_stay_so_when_the_set_comes_again_as_annotations(api, project, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(DATA / "rec_words", folder)
    file = folder / "rec_gt.txt"
    rows = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(rows[:3]), "utf-8")
    run(api, project, file)
    reviewed, *_ = api.tasks(project)
    api.create_annotation(reviewed["id"], reviewed["predictions"][0]["result"])
    file.write_text("".join(rows), "utf-8")
    console = Console(file=io.StringIO(), soft_wrap=True)

    # the last row's image a second time: its task is made as an annotation in the same run
    (folder / "rec_more.txt").write_text(rows[-1], "utf-8")
    _, told = run(api, project, file, folder / "rec_more.txt", console=console, approved=True)
    again = run(api, project, file, approved=True)[1]

    assert (told["tasks_made"], told["already_there"]) == (5, 4)
    assert told["already_there_and_still_predictions"] == 2
    assert (
        "2 rows already there stay predictions that wait for review, because no import changes a task that "
        "is in the project; confirm them in Label Studio, or delete their tasks there and import again with "
        "--as-annotations."
    ) in console.file.getvalue()
    assert sum(not task["annotations"] for task in api.tasks(project)) == 2
    # those that came as annotations meanwhile are none of them, and who asks for predictions misses nothing
    assert (again["already_there"], again["already_there_and_still_predictions"]) == (8, 2)
    assert run(api, project, file)[1]["already_there_and_still_predictions"] == 0


def test_a_page_with_one_bad_region_comes_with_its_others(api, project, tmp_path):
    shutil.copy(DATA / "rec_words/images/rapid_eslav.jpg", tmp_path / "a.jpg")
    box = [[1, 1], [20, 1], [20, 20], [1, 20]]
    found = [{"transcription": text, "points": box} for text in ("good", 5)]
    (tmp_path / "Label.txt").write_text(f"a.jpg\t{json.dumps(found)}\n", "utf-8")

    code, told = run(api, project, tmp_path)

    assert (code, told["rows"], told["tasks_made"], told["lines"]) == (1, 1, 1, 1)
    assert told["regions_left_out"] == {"no text with points that can be read": 1}
    (problem,) = told["problems"]
    assert problem["image"] == "a.jpg"
    assert problem["sentence"].startswith("region 2 of 2: its transcription 5 is no text, so")
    (task,) = api.tasks(project)
    assert [region.texts for region in regions(task["predictions"][0]["result"])] == [("good",)]


def test_the_command_takes_images_from_a_folder_and_keeps_the_language(label_studio, api, project, tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "photos").mkdir()
    shutil.copy(DATA / "rec_words/images/rapid_eslav.jpg", tmp_path / "photos/a.jpg")
    (tmp_path / "labels/rec_gt.txt").write_text("a.jpg\tслово\n", "utf-8")
    terminal = CliRunner(
        env={
            "LABEL_STUDIO_URL": label_studio.base_url,
            "LABEL_STUDIO_API_KEY": label_studio.personal_token.get_secret_value(),
        }
    )
    arguments = ["import", str(tmp_path / "labels/rec_gt.txt"), "--project", str(project)]

    without = terminal.invoke(twinread, [*arguments, "--language", "rus"])
    done = terminal.invoke(twinread, [*arguments, "--images", str(tmp_path / "photos"), "--language", "rus"])

    assert without.exit_code == 1
    assert "rec_gt.txt, row 1, a.jpg: there is no such file; pass --images FOLDER" in without.output
    assert (done.exit_code, done.exception) == (0, None), done.output
    (task,) = api.tasks(project)
    assert (task["data"]["imported_image"], task["data"]["language"]) == ("a.jpg", "ru")
    (region,) = regions(task["predictions"][0]["result"])
    assert region.texts == ("слово",)


def test_rows_whose_lines_do_not_fit_the_config_are_named_and_the_others_come(api, tmp_path):
    # Label Studio's own judge takes the second label for one of the choices
    strange = """<View><Image name="image" value="$image"/>
      <RectangleLabels name="label" toName="image"><Label value="Text"/>
        <Choices name="more" toName="image"><Choice value="a"/><Label value="Check"/></Choices>
      </RectangleLabels><TextArea name="transcription" toName="image" perRegion="true"/></View>"""
    project = int(api.create_project(title="Import", label_config=strange)["id"])
    for number in range(3):
        shutil.copy(DATA / "rec_words/images/rapid_eslav.jpg", tmp_path / f"{number}.jpg")
    boxes = [{"transcription": "слово", "points": [[1, 1], [20, 1], [20, 20], [1, 20]]}]
    (tmp_path / "Label.txt").write_text(
        "".join(f"{number}.jpg\t{json.dumps(boxes if number else [])}\n" for number in range(3)), "utf-8"
    )

    code, told = run(api, project, tmp_path)

    assert (code, told["rows"], told["tasks_made"]) == (1, 3, 1)
    assert told["rows_left_out"] == {"its lines do not fit the labeling config": 2}
    assert [problem["image"] for problem in told["problems"]] == ["1.jpg", "2.jpg"]
    assert "result 1 of 2 (l001-" in told["problems"][0]["sentence"]
    assert "valid labels: ['Text']" in told["problems"][0]["sentence"]
    (task,) = api.tasks(project)
    assert task["data"]["imported_image"] == "0.jpg"
    uploads = f"/api/projects/{project}/file-uploads"
    assert len(api.call("GET", uploads, "list uploads", params={"all": "true"})) == 1
    # mended, they come; as annotations, which Label Studio does not judge, they always do
    assert run(api, project, tmp_path, approved=True)[1]["tasks_made"] == 2


def test_a_config_that_the_sdk_cannot_read_stops_no_import(api, tmp_path):
    lower = default_config().replace("<Label ", "<label ")
    project = int(api.create_project(title="Import", label_config=lower)["id"])
    shutil.copy(DATA / "rec_words/images/rapid_eslav.jpg", tmp_path / "a.jpg")
    (tmp_path / "rec_gt.txt").write_text("a.jpg\tслово\n", "utf-8")
    console = Console(file=io.StringIO(), soft_wrap=True)

    code, told = run(api, project, tmp_path, console=console)

    assert (code, told["tasks_made"]) == (0, 1)
    assert "Predictions were not checked against the project" in console.file.getvalue()


def test_an_import_that_label_studio_stopped_goes_on_where_it_was(api, project, tmp_path):
    class Refusing:
        """Label Studio, except that it takes only the first batch of tasks."""

        made = 0

        def __getattr__(self, name):
            return getattr(api, name)

        def import_tasks(self, *arguments):
            if self.made:
                raise LabelStudioFailed("Label Studio is restarting.")
            self.made += 1
            return api.import_tasks(*arguments)

    folder = tmp_path / "set"
    folder.mkdir()
    for number in range(command.BATCH + 10):
        shutil.copy(DATA / "rec_words/images/rapid_eslav.jpg", folder / f"{number}.jpg")
    (folder / "rec_gt.txt").write_text(
        "".join(f"{number}.jpg\tline {number}\n" for number in range(command.BATCH + 10)), "utf-8"
    )

    with pytest.raises(LabelStudioFailed):
        run(Refusing(), project, folder)
    code, told = run(api, project, folder)

    assert (code, told["tasks_made"], told["already_there"]) == (0, 10, command.BATCH)
    texts = [regions(task["predictions"][0]["result"])[0].texts[0] for task in api.tasks(project)]
    assert sorted(texts) == sorted(f"line {number}" for number in range(command.BATCH + 10))


@pytest.mark.parametrize(
    ("config", "error"),
    [
        pytest.param(
            '<View><Image name="image" value="$image"/></View>', ConfigIncomplete, id="no text area"
        ),
        pytest.param(
            default_config().replace('value="$image"', 'valueList="$pages"'), BadRequest, id="several images"
        ),
    ],
)
def test_a_project_that_cannot_show_the_lines_is_refused_before_anything_is_made(
    api, tmp_path, config, error
):
    project = int(api.create_project(title="Import", label_config=config)["id"])
    (tmp_path / "rec_gt.txt").write_text("a.png\ttext\n", "utf-8")

    with pytest.raises(error):
        command.run(
            [tmp_path / "rec_gt.txt"],
            api,
            project,
            names=DEFAULT_NAMES,
            options=ImportOptions(),
            limits=ImageLimits(),
            console=Console(quiet=True),
        )
    assert list(api.tasks(project)) == []
