"""Which boxes are read again, and that nothing a person did is changed by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import BadRequest
from backend.label_studio.client import LabelStudio
from backend.label_studio.interactive import assist_result
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.regions import region_quad, regions
from backend.page.lines import Judgement, Line, Reading, ReadLine, Reason, ReasonKind, Verdict
from backend.projects.reread import (
    NotRead,
    NotStored,
    Reread,
    changed_boxes,
    persons_work,
    reread,
    reread_version,
    with_answers,
)
from backend.text import verdicts
from tests.parts.http_script import says, serving
from tests.parts.scripted import CONFIG

OURS = LabelingConfig.parse(CONFIG.replace("<Label", '<Label value="Illegible"/><Label', 1))


def at(minute: int) -> str:
    return f"2026-11-22T10:0{minute}:00.000000Z"


def box(
    name: str, x: float = 10, text: str | None = "Счёт", label: str = "Text", width: float = 40
) -> list[dict[str, Any]]:
    shape = {"x": x, "y": 10, "width": width, "height": 8, "rotation": 0}
    common = {"id": name, "to_name": "image", "original_width": 400, "original_height": 300}
    parts = [
        {
            **common,
            "from_name": "label",
            "type": "rectanglelabels",
            "value": {**shape, "rectanglelabels": [label]},
        }
    ]
    if text is not None:
        value = {**shape, "text": [text]}
        parts.append({**common, "from_name": "transcription", "type": "textarea", "value": value})
    return parts


@pytest.mark.parametrize(
    ("now", "again"),
    [
        pytest.param(box("a"), False, id="untouched"),
        pytest.param(box("a", x=12), True, id="moved"),
        pytest.param(box("a", x=10.2), False, id="moved by less than a pixel"),
        pytest.param(box("a", x=10.25), True, id="moved by one pixel"),
        pytest.param(box("a", x=12, text="Счёт 2"), False, id="moved, and its text mended"),
        pytest.param(box("a", x=12, text=None), False, id="moved, and its text deleted"),
        pytest.param(box("a", x=12, label="Illegible"), False, id="moved, and called illegible"),
        pytest.param(box("a", label="Check"), False, id="only its label changed"),
        pytest.param(box("new", text=None), True, id="drawn without a text"),
        pytest.param(box("new", text="Итого"), False, id="drawn and typed"),
    ],
)
def test_only_boxes_whose_text_is_nobodys_own_are_read_again(now: list[Any], again: bool) -> None:
    changed = changed_boxes([*now, *box("b")], [*box("a"), *box("b")], OURS)

    assert [region.id for region in changed] == ([now[0]["id"]] if again else [])


def test_a_box_that_the_editor_turned_over_is_read_again_only_where_it_was_moved_too() -> None:
    def turned_over(x: float) -> list[Any]:
        # the box of box("a", x), from its lower right corner
        shape = {"x": x + 40, "y": 18, "width": 40, "height": 8, "rotation": 180}
        return [{**part, "value": {**part["value"], **shape}} for part in box("a", x=x)]

    assert changed_boxes(turned_over(10), box("a"), OURS) == []
    [again] = changed_boxes(turned_over(12), box("a"), OURS)
    shapes = [{key: part["value"][key] for key in ("x", "y", "rotation")} for part in again.results]
    assert shapes == [{"x": 12, "y": 10, "rotation": 0}] * 2


def test_answers_take_the_place_of_their_own_boxes_and_of_no_other() -> None:
    work = [*box("a", x=12), *box("b", text="Моё"), {"type": "choices", "value": {"choices": ["x"]}}]
    answers = box("a", x=12, text="Счёт № 5")

    merged = with_answers(work, answers)

    assert [part["value"].get("text") for part in merged if part.get("id") == "a"] == [None, ["Счёт № 5"]]
    assert merged[2:] == work[2:]


@pytest.mark.parametrize(
    ("task", "result"),
    [
        pytest.param({"predictions": [{"id": 1, "result": box("a")}]}, None, id="nobody did anything"),
        pytest.param(
            {"annotations": [{"was_cancelled": True, "result": box("x"), "updated_at": at(3)}]},
            None,
            id="skipped",
        ),
        pytest.param(
            {
                "annotations": [{"result": box("old"), "updated_at": at(1)}],
                "drafts": [{"result": box("a"), "updated_at": at(2)}],
            },
            "a",
            id="a draft is newer",
        ),
        pytest.param(
            {
                "annotations": [
                    {"result": box("a"), "updated_at": at(2)},
                    {"result": box("b"), "updated_at": at(1)},
                ]
            },
            "a",
            id="the last changed counts",
        ),
        pytest.param(
            {
                "annotations": [{"result": box("a"), "updated_at": at(2)}],
                "drafts": [
                    {"result": box("old"), "updated_at": at(1)},
                    {"result": None, "updated_at": at(3)},
                ],
            },
            "a",
            id="an older draft, and one that cannot be read",
        ),
    ],
)
def test_the_newest_work_of_a_person_counts(task: dict[str, Any], result: str | None) -> None:
    work = persons_work({"predictions": [{"id": 1, "result": box("a")}], **task})

    assert (work and work[0][0]["id"]) == result


def test_a_draft_is_compared_with_the_prediction_that_it_began_with_and_not_with_a_reread() -> None:
    task = {
        "drafts": [{"result": [*box("a", x=20), *box("b")], "created_at": at(3), "updated_at": at(4)}],
        "predictions": [
            {"id": 1, "model_version": "v1", "created_at": at(1), "result": [*box("a"), *box("b")]},
            {"id": 2, "model_version": "v2", "created_at": at(2), "result": box("c")},
            {
                "id": 3,
                "model_version": "reread v1",
                "created_at": at(5),
                "result": [*box("a", x=20), *box("b")],
            },
        ],
    }

    work = persons_work(task)

    assert work is not None
    assert [region.id for region in changed_boxes(*work, OURS)] == ["a"]


@pytest.mark.parametrize(
    ("versions", "version"),
    [
        pytest.param(["det+two 1"], "reread det+two 1", id="first time"),
        pytest.param(["det+two 1", "reread det+two 1"], "reread det+two 1", id="again"),
        pytest.param([], "reread", id="nothing stored"),
    ],
)
def test_a_reread_is_named_after_the_prediction_and_not_after_another_reread(
    versions: list[str], version: str
) -> None:
    assert reread_version({"predictions": [{"model_version": made} for made in versions]}) == version


def test_a_task_of_another_project_is_refused_before_anything_is_read() -> None:
    with serving() as server:
        server.scripts["/api/ml/"] = says(b'[{"id": 1, "url": "http://127.0.0.1:9090"}]')
        server.scripts["/api/tasks/99/"] = says(b'{"id": 99, "project": 5}')
        with (
            LabelStudio(server.url, SecretStr("0" * 40)) as api,
            pytest.raises(BadRequest, match="--project 5"),
        ):
            list(reread(api, 3, OURS, 99))
        assert {request.method for request in server.requests} == {"GET"}


def test_a_prediction_that_label_studio_refuses_is_named_and_the_other_tasks_go_on() -> None:
    """A Label Studio that judges what it stores; 1.23 does where its feature flag is on."""
    stored = []

    def label_studio(request: httpx.Request) -> httpx.Response:
        path, sent = request.url.path, json.loads(request.content or b"null")
        if path == "/api/ml/":
            return httpx.Response(200, json=[{"id": 1}])
        if path == "/api/projects/3/":
            return httpx.Response(200, json={"label_config": CONFIG})
        if path == "/api/tasks/":
            tasks = [
                {"id": 7, "annotations": [{"result": [*box("a", x=12, text=None), *box("wide", width=150)]}]},
                {"id": 8, "annotations": [{"result": box("b", x=12, text=None)}]},
            ]
            return httpx.Response(200, json={"tasks": tasks})
        if path == "/api/ml/1/interactive-annotating":
            (drawn,) = sent["context"]["result"]
            return httpx.Response(200, json={"data": {"result": box(drawn["id"], x=12, text="Счёт 5")}})
        if any(part["value"]["width"] > 100 for part in sent["result"]):
            return httpx.Response(400, json={"detail": "Error validating prediction"})
        stored.append(sent["task"])
        return httpx.Response(201, json={"id": 1})

    transport = httpx.MockTransport(label_studio)
    with LabelStudio("http://label-studio", SecretStr("0" * 40), transport=transport) as api:
        refused, read = reread(api, 3, OURS, None)

    assert isinstance(refused, NotStored)
    assert refused.task == 7
    assert "result 3 of 4 (wide)" in refused.why
    assert "width 150 out of bounds" in refused.why
    assert isinstance(read, Reread)
    assert (read.task, read.after, stored) == (8, "Счёт 5", [8])


def read_again(
    answer: Callable[[int, list[str]], list[dict[str, Any]]], count: int
) -> tuple[list[Reread | NotRead | NotStored], list[list[str]], list[dict[str, Any]]]:
    """Read moved boxes b0, b1, ... of one task again.

    Args:
        answer: what the backend answers to the which request for which boxes.
        count: how many boxes there are; each had the text "old" elsewhere.

    Returns:
        What was found, the boxes of each request, and the results of the stored prediction.
    """
    names = [f"b{number}" for number in range(count)]
    asked: list[list[str]] = []
    stored: list[dict[str, Any]] = []
    parent = {"id": 1, "model_version": "v1", "result": [p for name in names for p in box(name, 10, "old")]}
    work = {"parent_prediction": 1, "result": [p for name in names for p in box(name, 12, "old")]}

    def label_studio(request: httpx.Request) -> httpx.Response:
        path, sent = request.url.path, json.loads(request.content or b"null")
        if path == "/api/ml/":
            return httpx.Response(200, json=[{"id": 1}])
        if path == "/api/tasks/":
            task = {"id": 7, "annotations": [work], "predictions": [parent]}
            return httpx.Response(200, json={"tasks": [task]})
        if path == "/api/ml/1/interactive-annotating":
            asked.append([part["id"] for part in sent["context"]["result"]])
            return httpx.Response(200, json={"data": {"result": answer(len(asked), asked[-1])}})
        stored.extend(sent["result"])
        return httpx.Response(201, json={"id": 2})

    transport = httpx.MockTransport(label_studio)
    with LabelStudio("http://label-studio", SecretStr("0" * 40), transport=transport) as api:
        return list(reread(api, 3, OURS, None)), asked, stored


def answered(name: str, *readings: Reading) -> list[dict[str, Any]]:
    """What the backend answers for a moved box that was read so."""
    region = regions(box(name, 12, None))[0]
    judgement = verdicts.judge(readings, crop_size=(160, 24), language="ru") if readings else None
    unread = Judgement(Verdict.UNREAD, "", 0.0, (Reason(ReasonKind.READER_FAILED, "twinread", "no image"),))
    line = ReadLine(Line(region_quad(region)), readings, judgement or unread)
    return list(assist_result([(region, line)], OURS, model_version="v1")["result"])


ONE, TWO = Reading("one", "new"), Reading("two", "new")
LATE = Reading("one", error="no answer within 30 s", retryable=True)


def test_boxes_that_came_too_late_are_asked_for_again_until_all_are_read() -> None:
    def answer(request: int, names: list[str]) -> list[dict[str, Any]]:
        # nine at a time, as far as the readers come in the time of one request
        return [p for n, name in enumerate(names) for p in answered(name, ONE if n < 9 else LATE, TWO)]

    found, asked, stored = read_again(answer, 20)

    assert [len(names) for names in asked] == [20, 11, 2]
    assert [(line.after, line.doubtful) for line in found if isinstance(line, Reread)] == [
        ("new", False)
    ] * 20
    assert [part["value"]["text"] for part in stored if "text" in part["value"]] == [["new"]] * 20


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param((LATE, LATE), "no answer within 30 s", id="no reader answered"),
        pytest.param((), "no image", id="the image is gone"),
        pytest.param(None, "no answer for it", id="left out of the answer"),
    ],
)
def test_a_box_that_nobody_could_read_stays_as_it_was_and_is_named(
    said: tuple[Reading, ...] | None, why: str
) -> None:
    def answer(request: int, names: list[str]) -> list[dict[str, Any]]:
        parts = {"b0": answered("b0", ONE, TWO), "b1": [] if said is None else answered("b1", *said)}
        return [part for name in names for part in parts[name]] or [{"id": "other", "value": {}}]

    found, asked, stored = read_again(answer, 2)

    assert asked == [["b0", "b1"], ["b1"]]
    assert stored == [*[p for p in stored if p["id"] == "b0"], *box("b1", 12, "old")]
    assert [part["value"].get("text") for part in stored] == [None, ["new"], None, ["old"]]
    (unread,) = [line for line in found if isinstance(line, NotRead)]
    assert (unread.task, unread.region) == (7, "b1")
    assert why in unread.why
    assert [line.region for line in found if isinstance(line, Reread)] == ["b0"]


def test_where_nothing_could_be_read_no_prediction_is_stored() -> None:
    found, _, stored = read_again(lambda _, names: [p for name in names for p in answered(name)], 3)

    assert stored == []
    assert [type(line) for line in found] == [NotRead] * 3
