"""`twinread lines` on a real Label Studio: sheets of doubtful lines, topped up, none twice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest

from backend.errors import BadRequest, LabelStudioFailed, ProjectError
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.predictions import prediction_of_pages
from backend.one_run import RunUnderWay, only_run
from backend.page.lines import Judgement, Line, Reading, ReadLine, ReadPage, Verdict
from backend.sheets.doubtful_lines import PageWork
from backend.sheets.line_project import check_page_project, find_line_project
from backend.sheets.making import FOLDER, make
from backend.sheets.sample_view import TITLES
from backend.sheets.sheet_import import SheetImport, parts
from tests.parts.backend_process import variables
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.meddling import Send, meddled
from tests.parts.read_tasks import CONFIG, VERSION, predicted, submitted
from tests.parts.sheet_projects import Silent, lines, lines_of, page_project, pairs, request, sheets_of

pytestmark = LABEL_STUDIO

ROOT = Path(__file__).resolve().parents[2]
NEWER = VERSION.replace("1f3a9c07", "00000002")


def read_again(api: LabelStudio, project: int, task: int, *said: str | tuple[str, str]) -> None:
    """Store a newer prediction of a task, and let the project choose its version."""
    rows = [{"task": task, **predicted(*said, version=NEWER)}]
    assert api.import_predictions(project, rows).created == 1
    api.update_project(project, model_version=NEWER)


def test_doubtful_lines_come_onto_sheets_the_most_doubtful_page_first(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (half, agreed, worst) = page_project(
        api, [("а", "б"), "в"], ["г"], [("д", "е"), ("ж", "з"), ("и", "к")], title="Letters"
    )
    made = lines(api, project, tmp_path, per_sheet=3)

    assert pairs(lines_of(api, made)) == [[("д", "е"), ("ж", "з"), ("и", "к")], [("а", "б")]]
    assert [line.key.task for sheet in lines_of(api, made) for line in sheet] == [worst] * 3 + [half]
    assert (made.sheets, made.lines, made.on_sheets, made.left, made.removed) == (2, 4, 0, 0, 0)
    first, second = sheets_of(api, made)
    assert (first["data"]["pages"], second["data"]["pages"]) == ("page_3.png", "page_1.png")
    assert f"/data/upload/{project}/a5cf2e8a-page_3.png" in first["data"]["lines"][0]["strip"]
    assert [option["alias"] for option in first["data"]["lines"][0]["options"]] == [
        "A",
        "B",
        "illegible",
        "not_text",
        "typed",
    ]
    assert made.line_project is not None
    shown = api.project(made.line_project.project)
    assert (shown["title"], shown["sampling"]) == ("Letters: lines", "Sequential sampling")
    assert (shown["show_skip_button"], shown["maximum_annotations"]) == (False, 1)
    assert agreed not in {line.key.task for sheet in lines_of(api, made) for line in sheet}


def test_topping_up_adds_what_is_new_and_never_a_line_twice(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")], [("в", "г")])
    first = lines(api, project, tmp_path, limit=1)
    assert (first.lines, first.left) == (1, 1)

    second = lines(api, project, tmp_path)
    again = lines(api, project, tmp_path)

    assert (second.lines, second.on_sheets, second.anew) == (1, 1, 0)
    assert (again.sheets, again.on_sheets, again.said) == (0, 2, [])
    assert pairs(lines_of(api, again)) == [[("а", "б")], [("в", "г")]]
    assert {made.line_project and made.line_project.project for made in (first, second, again)} == {
        first.line_project and first.line_project.project
    }


def test_a_line_that_was_read_anew_is_asked_anew_and_its_old_sheet_goes_if_nobody_touched_it(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (changed, answered, _) = page_project(api, [("а", "б")], [("в", "г")], [("д", "е")])
    made = lines(api, project, tmp_path, per_sheet=1)
    sheets = {
        sheet[0].key.task: task for sheet, task in zip(lines_of(api, made), sheets_of(api, made), strict=True)
    }
    api.create_annotation(int(sheets[answered]["id"]), [])

    for task, said in ((changed, ("а", "ы")), (answered, ("в", "ы"))):
        read_again(api, project, task, said)
    after = lines(api, project, tmp_path, per_sheet=1)

    # the third page has no prediction of the chosen version: it is read as before, and its sheet stands
    assert (after.lines, after.anew, after.on_sheets, after.removed) == (2, 2, 1, 1)
    assert pairs(lines_of(api, after)) == [[("в", "г")], [("д", "е")], [("а", "ы")], [("в", "ы")]]
    assert lines(api, project, tmp_path, per_sheet=1).sheets == 0


def test_pages_that_people_work_on_are_left_alone_and_their_sheets_are_not_asked_in_vain(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (done, begun, skipped, deleted, waiting) = page_project(
        api, [("а", "б")], [("в", "г")], [("д", "е")], [("ж", "з")], [("и", "к")]
    )
    api.create_annotation(done, submitted("а")["result"])
    api.call("POST", f"/api/tasks/{begun}/drafts", "store a draft", body={"result": [], "draft": True})
    api.create_annotation(skipped, [], was_cancelled=True)

    made = lines(api, project, tmp_path, per_sheet=1)
    assert pairs(lines_of(api, made)) == [[("ж", "з")], [("и", "к")]]
    assert {work: made.work[work] for work in PageWork} == {
        PageWork.SUBMITTED: 1,
        PageWork.BEGUN: 1,
        PageWork.SKIPPED: 1,
        PageWork.NONE: 2,
    }

    api.delete_task(deleted)
    api.create_annotation(waiting, submitted("и")["result"])
    after = lines(api, project, tmp_path, per_sheet=1)
    assert (after.removed, lines_of(api, after)) == (2, [])


def test_a_draft_of_another_person_keeps_the_page_off_sheets(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (page,) = page_project(api, [("а", "б")])
    with httpx.Client(base_url=label_studio.base_url, trust_env=False, follow_redirects=True) as person:
        person.get("/user/signup/")
        account = {"email": f"{uuid4().hex}@example.org", "password": "a-long-password-1"}
        account["csrfmiddlewaretoken"] = person.cookies["csrftoken"]
        person.post("/user/signup/", data=account)
        known = {"X-CSRFToken": person.cookies["csrftoken"]}
        draft = {"result": submitted("а")["result"]}
        assert person.post(f"/api/tasks/{page}/drafts", json=draft, headers=known).status_code == 201
    # Label Studio shows the drafts of the key's own user alone
    assert api.task(page)["drafts"] == []

    made = lines(api, project, tmp_path)
    assert (made.work[PageWork.BEGUN], made.lines) == (1, 0)


def test_a_sheet_that_somebody_has_a_draft_of_is_never_removed(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (page,) = page_project(api, [("а", "б")])
    made = lines(api, project, tmp_path)
    (sheet,) = sheets_of(api, made)
    api.call("POST", f"/api/tasks/{sheet['id']}/drafts", "store a draft", body={"result": [], "draft": True})
    api.create_annotation(page, submitted("а")["result"])

    assert lines(api, project, tmp_path).removed == 0
    assert [task["id"] for task in sheets_of(api, made)] == [sheet["id"]]


def test_two_at_the_same_moment_on_two_machines_leave_no_line_twice(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")], [("в", "г")])
    others: list[object] = []

    def another_runs_first(request: httpx.Request, send: Send) -> httpx.Response:
        if not others:
            others.append(None)
            lines(api, project, tmp_path / "other")
        return send(request)

    with meddled(label_studio, another_runs_first) as slow:
        made = lines(slow, project, tmp_path)

    assert made.line_project is not None
    assert pairs(lines_of(api, made)) == [[("а", "б"), ("в", "г")]]


def test_a_second_run_on_this_machine_is_refused(tmp_path: Path) -> None:
    options: dict[str, Any] = {"folder": FOLDER, "command": "twinread lines"}
    with (
        only_run(tmp_path, "http://label-studio:8080", 3, **options),
        pytest.raises(RunUnderWay, match="Another `twinread lines` works on project 3"),
        only_run(tmp_path, "http://label-studio:8080", 3, **options),
    ):
        pass


def test_an_import_whose_answer_is_lost_is_looked_for_and_not_repeated(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")])

    def lose_the_answer(request: httpx.Request, send: Send) -> httpx.Response:
        send(request).read()
        raise httpx.ReadTimeout("no answer")

    with meddled(label_studio, lose_the_answer) as deaf:
        made = lines(deaf, project, tmp_path)
    assert (made.sheets, pairs(lines_of(api, made))) == (1, [[("а", "б")]])
    assert list(tmp_path.glob("import-*")) == []


def test_an_import_that_never_came_is_sent_by_the_next_run(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Sheets", label_config="<View></View>")["id"])
    sheet = {"lines": [], "twinread_sheet": 1, "count": 0}

    def lose_the_request(request: httpx.Request, send: Send) -> httpx.Response:
        raise httpx.ReadTimeout("no answer")

    with meddled(label_studio, lose_the_request) as deaf:
        importer = SheetImport(deaf, project, tmp_path, longest_s=0)
        with pytest.raises(LabelStudioFailed, match="no answer in time"):
            importer.store([sheet])
    assert api.count_tasks(project) == 0
    SheetImport(api, project, tmp_path).store([sheet])
    assert api.count_tasks(project) == 1


def test_a_run_that_was_killed_in_an_import_is_waited_for_by_the_next_one(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")])
    settings = {
        "LABEL_STUDIO_URL": label_studio.base_url,
        "LABEL_STUDIO_API_KEY": label_studio.personal_token.get_secret_value(),
        "CACHE_DIR": tmp_path,
        "OCR_LANGUAGE": "ru",
        "SAMPLE_PAGES": 0,
    }
    command = [sys.executable, "-m", "tests.sheets.killed_in_import", str(project)]
    environment = variables(tmp_path, settings)
    killed = subprocess.run(command, cwd=ROOT, env=environment, timeout=120, check=False)
    assert killed.returncode == -9
    assert len(list((tmp_path / FOLDER).glob("import-*"))) == 1

    command = [sys.executable, "-m", "backend", "lines", "--project", str(project)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, timeout=120, check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    found = find_line_project(api, project)
    assert found is not None
    assert api.count_tasks(found.project) == 1
    assert list((tmp_path / FOLDER).glob("import-*")) == []


def test_the_sample_stays_off_sheets_and_has_a_tab_of_its_own(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    # the sample hangs on the pages' numbers: of so many pages it is hardly ever none or all
    project, tasks = page_project(api, *[[("а", "б")]] * 16)
    made = lines(api, project, tmp_path, sample=0.5)

    assert 0 < len(made.sample) < 16
    assert (made.lines, made.sampled_lines) == (16 - len(made.sample), len(made.sample))
    asked = {line.key.task for sheet in lines_of(api, made) for line in sheet}
    assert asked == set(tasks) - made.sample
    (view,) = (view for view in api.views(project) if view["data"]["title"] in TITLES.values())
    # the tab that shows all pages stays the first one
    assert [each["data"]["title"] for each in api.views(project)] == ["Default", TITLES["en"]]
    assert "tasks:inner_id" in view["data"]["hiddenColumns"]["explore"]
    query = {"view": view["id"], "project": project, "page_size": 100}
    shown = api.call("GET", "/api/tasks/", "list a tab", params=query)["tasks"]
    assert {task["id"] for task in shown} == made.sample

    # what was given once holds, and nothing is made twice
    again = lines(api, project, tmp_path, first_sample=0.0)
    assert (again.sample, again.sheets, len(api.views(project))) == (made.sample, 0, len(api.views(project)))
    assert again.line_project is not None
    assert again.line_project.sample == 0.5


def test_pages_of_the_sample_that_are_done_leave_the_tab(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (first, second) = page_project(api, [("а", "б")], [("в", "г")])
    lines(api, project, tmp_path, sample=1.0)
    (tab,) = api.views(project)[1:]
    assert len(tab["data"]["filters"]["items"]) == 2
    api.create_annotation(first, submitted("а")["result"])

    made = lines(api, project, tmp_path)

    assert (made.sample, made.sample_waiting) == ({first, second}, 1)
    (tab,) = api.views(project)[1:]
    assert [item["value"] for item in tab["data"]["filters"]["items"]] == [second]


def test_annotators_and_keyboard_hold_until_they_are_given_anew(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")], [("в", "г")])
    made = lines(api, project, tmp_path, limit=1, keyboard="ru")
    assert made.line_project is not None
    assert api.project(made.line_project.project)["maximum_annotations"] == 1

    more = lines(api, project, tmp_path, annotators=2)

    shown = api.project(made.line_project.project)
    assert (shown["maximum_annotations"], shown["overlap_cohort_percentage"]) == (2, 100)
    assert more.said == ["Each sheet is for 2 people now (it was 1)."]
    assert [sheet["overlap"] for sheet in sheets_of(api, more)] == [2, 2]
    keys = [sheet["data"]["lines"][0]["options"][1]["html"] for sheet in sheets_of(api, more)]
    assert all("<kbd>Й</kbd>" in key for key in keys)


def test_a_team_s_own_labeling_config_is_kept_and_an_unusable_one_refused(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")])
    made = lines(api, project, tmp_path)
    assert made.line_project is not None
    number = made.line_project.project
    ours = str(api.project(number)["label_config"])

    api.update_project(number, label_config=ours.replace("<View", "<!-- ours --><View", 1))
    kept = lines(api, project, tmp_path)
    assert kept.said == ["Kept the labeling config that your team changed; twinread's is another."]
    api.update_project(number, label_config="<View></View>")
    with pytest.raises(ProjectError, match="no sheet could be answered"):
        lines(api, project, tmp_path)


def test_a_line_project_is_not_taken_for_its_pages(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")])
    check_page_project(api, project)
    made = lines(api, project, tmp_path)
    assert made.line_project is not None
    with pytest.raises(BadRequest, match=rf"holds the sheets of project {project}, not pages"):
        check_page_project(api, made.line_project.project)


def test_another_project_is_not_taken_for_the_line_project(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")])
    with pytest.raises(BadRequest, match="is no line project"):
        lines(api, project, tmp_path, line_project=project)
    made = lines(api, project, tmp_path)
    other, _ = page_project(api, [("а", "б")])
    assert made.line_project is not None
    with pytest.raises(BadRequest, match=f"is the line project of project {project}"):
        lines(api, other, tmp_path, line_project=made.line_project.project)
    assert lines(api, project, tmp_path, line_project=made.line_project.project).on_sheets == 1


def test_agreed_pages_alone_have_a_sample_and_no_sheet_and_unread_ones_not_even_a_line_project(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Unread", label_config=default_config())["id"])
    (task,) = api.import_tasks(project, [{"data": {"image": "/data/upload/1/a.png"}}])
    made = lines(api, project, tmp_path, sample=0.5)
    assert (made.unread, made.line_project, find_line_project(api, project)) == (1, None, None)

    read_again(api, project, task, "а", "б")
    made = lines(api, project, tmp_path, sample=0.5)
    assert (made.sample, sheets_of(api, made)) == ({task}, [])
    found = find_line_project(api, project)
    assert found is not None
    assert found.sample == 0.5


def test_renamed_labels_are_those_of_the_settings(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    project, (task,) = page_project(api, [("а", "б")])
    names = LabelNames("Текст", "Проверить", "Неразборчиво", "Не текст")
    xml = default_config(names)
    api.update_project(project, label_config=xml)
    renamed = LabelingConfig.parse(xml, names)
    # what was predicted before speaks of labels that are gone, so nothing says that the line is doubtful
    assert lines(api, project, tmp_path, renamed).lines == 0

    result = json.loads(json.dumps(predicted(("а", "б"))["result"]).replace('"Check"', '"Проверить"'))
    api.import_predictions(project, [{"task": task, "result": result, "model_version": NEWER}])
    api.update_project(project, model_version=NEWER)
    assert pairs(lines_of(api, lines(api, project, tmp_path, renamed))) == [[("а", "б")]]


def test_hostile_readings_and_names_stay_text(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    evil = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
    project, _ = page_project(api, [evil, ("$lines[0].a", "{{idx}}")])
    made = lines(api, project, tmp_path)
    (sheet,) = sheets_of(api, made)
    assert pairs(lines_of(api, made)) == [[evil, ("$lines[0].a", "{{idx}}")]]
    written = json.dumps([[line["strip"], line["options"]] for line in sheet["data"]["lines"]])
    assert "<script" not in written
    assert "<img src=x" not in written


def test_each_line_of_a_task_with_several_images_shows_its_own_image(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    xml = default_config().replace('value="$image"', 'valueList="$pages"')
    config = LabelingConfig.parse(xml)
    quad = np.array([[10, 10], [300, 10], [300, 30], [10, 30]], np.float32)
    disputed = Judgement(Verdict.DISPUTED, "а", 0.2)
    line = ReadLine(Line(quad), (Reading("one", "а"), Reading("two", "б")), disputed)
    made_of = [ReadPage(400, 200, [line]), ReadPage(600, 300, [line])]
    prediction = prediction_of_pages(made_of, config, model_version=VERSION)
    project = int(api.create_project(title="Several", label_config=xml)["id"])
    addresses = [f"/data/upload/{project}/a5cf2e8a-{name}.png" for name in ("first", "second")]
    api.import_tasks(project, [{"data": {"pages": addresses}, "predictions": [prediction]}])
    api.update_project(project, model_version=VERSION)

    made = lines(api, project, tmp_path, config)

    ((first, second),) = lines_of(api, made)
    assert (first.page, second.page) == (0, 1)
    (sheet,) = sheets_of(api, made)
    strips = [line["strip"] for line in sheet["data"]["lines"]]
    assert [address in strip for address, strip in zip(addresses, strips, strict=True)] == [True, True]
    assert ['width="400"' in strips[0], 'width="600"' in strips[1]] == [True, True]
    assert lines(api, project, tmp_path, config).on_sheets == 2


def test_a_page_whose_image_is_none_that_a_sheet_can_show_is_named(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Inline", label_config=default_config())["id"])
    large = "data:image/png;base64," + "A" * 5000
    (inline, _) = api.import_tasks(
        project,
        [
            {"data": {"image": image}, "predictions": [predicted(("а", "б"))]}
            for image in (large, "/data/local-files/?d=scans/page%201.png")
        ],
    )
    api.update_project(project, model_version=VERSION)
    made = lines(api, project, tmp_path)
    assert (made.unshown, made.lines) == ({inline: 1}, 1)
    assert sheets_of(api, made)[0]["data"]["pages"] == "page 1.png"


def test_sheets_go_into_imports_of_bounded_size() -> None:
    small, large = {"lines": [1]}, {"lines": ["я" * 1_000_000]}
    assert [len(part) for part in parts([small] * 600)] == [250, 250, 100]
    assert [len(part) for part in parts([large] * 3)] == [1, 1, 1]
    assert list(parts([])) == []


def test_waiting_for_an_import_of_before_is_told(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Sheets", label_config="<View></View>")["id"])
    from backend.import_note import ImportNote

    ImportNote(tmp_path, api.base_url, project).write("unknown", (), time.time() - 118)
    watcher = Silent()
    SheetImport(api, project, tmp_path, waits=watcher.waits).settle()
    assert len(watcher.waited) == 1
    assert 0 < watcher.waited[0] <= 2


def test_ctrl_c_between_imports_keeps_what_was_made(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    project, _ = page_project(api, [("а", "б")])

    class Impatient(Silent):
        def sheets(self, done: int, total: int) -> None:
            raise KeyboardInterrupt

    made = make(api, request(project, tmp_path), CONFIG, Impatient())
    assert (made.stopped, made.sheets, made.lines) == (True, 1, 1)
    assert lines(api, project, tmp_path).sheets == 0
