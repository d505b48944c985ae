"""Label Studio's API as twinread uses it: one method per thing to do.

Label Studio's SDK makes the requests, except where a plain request is better: to read projects (the SDK's
part for them takes 0.08 s of CPU to import), to import tasks and predictions (the SDK takes seven times the
CPU), to page through tasks (the SDK's pages end with an error), and for what the SDK has no method for:
uploads, model versions, and validating a config without a project.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import httpx

from backend.errors import LabelStudioFailed
from backend.label_studio import failures, task_filters
from backend.label_studio.http_client import HttpClient, Json
from backend.label_studio.prediction_check import PredictionCheck, StoredPredictions
from backend.label_studio.uploads import Upload, upload_files

__all__ = ["LabelStudio", "StoredPredictions", "Upload"]

Row = dict[str, Json]
"""One object as Label Studio's JSON has it."""

IDS_PER_REQUEST = 200
"""Ids in one address; servers in front of Label Studio take addresses of 8 KB."""


class LabelStudio(HttpClient):
    """A client of one Label Studio; safe between threads. Close it, or use it in a `with` block.

    Every method raises `LabelStudioFailed`, with one sentence, when Label Studio is out of reach or refuses,
    and `BadRequest`, before anything is sent, for what JSON cannot hold.
    """

    # The server and the key

    def version(self) -> str:
        """Label Studio's version, such as "1.23.2"."""
        answer = self._sdk_call("tell its version", dict, lambda sdk: sdk.versions.get(), reads=True)
        if "release" not in answer:
            raise failures.not_label_studio(self.base_url)
        return str(answer["release"])

    def whoami(self) -> Row:
        """The user that the key belongs to."""
        return self._sdk_call("tell whose key this is", dict, lambda sdk: sdk.users.whoami(), reads=True)

    def users(self) -> dict[int, str]:
        """The e-mail addresses of the users that the key can see, by user id."""
        rows = self._sdk_call("list its users", list, lambda sdk: sdk.users.list(), reads=True)
        return {int(row["id"]): str(row.get("email") or "") for row in rows}

    # Projects

    def projects(self) -> list[Row]:
        """Every project that the key can see: number, title, description and annotations per task of each.

        `project` has all of one. To count what is in each would take a second for every fifty projects.
        """
        found: list[Row] = []
        shown = "id,title,description,maximum_annotations"
        for page in range(1, 1_000_000):
            params: dict[str, str | int] = {"page": page, "page_size": 100, "include": shown}
            answer = self.call("GET", "/api/projects/", "list its projects", params=params)
            found += answer["results"]
            if not answer["next"]:
                break
        return found

    def project(self, project: int) -> Row:
        """One project with all its settings."""
        return dict(self.call("GET", f"/api/projects/{project}/", f"show project {project}"))

    def create_project(self, **fields: Json) -> Row:
        """Make a project, with fields such as `title` and `label_config`."""
        return self._sdk_call("create a project", dict, lambda sdk: sdk.projects.create(**fields))

    def update_project(self, project: int, **fields: Json) -> Row:
        """Change fields of a project."""
        doing = f"change project {project}"
        return self._sdk_call(doing, dict, lambda sdk: sdk.projects.update(project, **fields))

    def delete_project(self, project: int) -> None:
        """Remove a project with all that is in it."""
        self._sdk_call(f"remove project {project}", object, lambda sdk: sdk.projects.delete(project))

    def validate_config(self, xml: str) -> None:
        """Ask whether a labeling config is one; a bad one is a `LabelStudioFailed` with the reason."""
        self.call("POST", "/api/projects/validate/", "accept the labeling config", body={"label_config": xml})

    def model_versions(self, project: int) -> dict[str, int]:
        """Versions of the predictions that are stored, newest first, and how many predictions each has."""
        path = f"/api/projects/{project}/model-versions/"
        doing = f"list the prediction versions of project {project}"
        rows = self.call("GET", path, doing, params={"extended": "true"})["static"]
        newest_first = sorted(rows, key=lambda row: str(row["latest"]), reverse=True)
        return {str(row["model_version"]): int(row["count"]) for row in newest_first if row["model_version"]}

    # Tasks

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Json]]) -> list[int]:
        """Make tasks, each `{"data": {...}}` with optional predictions and annotations; gives their ids.

        Predictions in the tasks are not checked here; see `PredictionCheck`.
        """
        doing = f"import {len(tasks)} tasks into project {project}"
        params = {"return_task_ids": "true"}
        path = f"/api/projects/{project}/import"
        answer = self.call("POST", path, doing, params=params, body=list(tasks), bulk=True)
        return [int(task) for task in answer["task_ids"]]

    def upload_files(self, project: int, paths: Sequence[Path]) -> list[Upload]:
        """Give files to Label Studio without making tasks of them; it takes no TIFF.

        Returns:
            One upload per path, in order, ready to stand in the data of a task.
        """
        return upload_files(self, project, paths)

    def tasks(
        self,
        project: int,
        *,
        fields: str = "all",
        updated_since: datetime | None = None,
        annotated: bool = False,
        with_versions: Sequence[str] = (),
        without_version: str = "",
        begun: bool | None = None,
        resolve_uri: bool = True,
        page_size: int = 100,
    ) -> Iterator[Row]:
        """Every task of a project by growing id, a page at a time, so that memory stays flat.

        Args:
            project: whose tasks.
            fields: "all" for annotations and predictions with their results, "task_only" for counts.
            updated_since: only tasks changed after this moment. Label Studio notes a change some tenths of
                a second after it, drafts and bulk predictions not at all: let times overlap.
            annotated: only tasks that somebody annotated.
            with_versions: only tasks that have a prediction of one of these model versions. Label Studio
                compares parts: a version that holds another one counts as both, and it may ignore case.
                Rows then name the versions that a task has; see `task_versions`.
            without_version: only tasks that have no prediction of this model version, compared as above.
            begun: only tasks that somebody has a draft of, or (False) only the others; a task itself shows
                the drafts of the key's user alone.
            resolve_uri: files of a cloud storage as addresses that open for a while; False gives them as
                they are stored, as Label Studio sends them to a backend.
            page_size: tasks per request.
        """
        chosen = task_filters.chosen(
            updated_since=updated_since,
            annotated=annotated,
            with_versions=with_versions,
            without_version=without_version,
            begun=begun,
        )
        last = 0
        while True:
            items = [task_filters.later_than(last), *chosen]
            found = self._page(project, items, fields=fields, resolve_uri=resolve_uri, page_size=page_size)
            page = found["tasks"]
            for row in page:
                # a task comes once for each of its predictions that a filter for versions finds
                if row["id"] != last:
                    yield row
                last = row["id"]
            if len(page) < page_size:
                return

    def count_tasks(
        self,
        project: int,
        *,
        annotated: bool = False,
        skipped: bool = False,
        with_versions: Sequence[str] = (),
        without_version: str = "",
        begun: bool | None = None,
        data: Mapping[str, str] | None = None,
    ) -> int:
        """How many tasks a project has, or how many of those chosen; Label Studio counts.

        With `with_versions` it counts a task once for each such prediction that it has.

        Args:
            project: whose tasks.
            annotated: as in `tasks`, and so are the others.
            skipped: only tasks that somebody skipped.
            with_versions: of predictions that they have.
            without_version: of predictions that they do not have.
            begun: whether somebody has a draft.
            data: only tasks whose data has exactly these texts, by the names of fields.
        """
        chosen = task_filters.chosen(
            annotated=annotated,
            skipped=skipped,
            with_versions=with_versions,
            without_version=without_version,
            begun=begun,
            data=data,
        )
        return int(self._page(project, chosen, page_size=1)["total"])

    def tasks_by_id(self, project: int, tasks: Sequence[int], *, fields: str = "task_only") -> list[Row]:
        """Those of these tasks that the project still has, by growing id, with data as it is stored.

        Each row has `predictions_model_versions`; see `task_versions.has_version`.

        Args:
            project: whose tasks.
            tasks: ids, growing or not.
            fields: as in `tasks`.
        """
        found: list[Row] = []
        for start in range(0, len(tasks), IDS_PER_REQUEST):
            ids = list(tasks[start : start + IDS_PER_REQUEST])
            items = [task_filters.with_their_versions()]
            page = self._page(
                project, items, fields=fields, resolve_uri=False, page_size=len(ids), included=ids
            )
            found += page["tasks"]
        return sorted(found, key=lambda task: int(task["id"]))

    def _page(
        self,
        project: int,
        filters: Sequence[Row],
        *,
        fields: str = "task_only",
        resolve_uri: bool = True,
        page_size: int,
        included: Sequence[int] | None = None,
    ) -> Row:
        """The first tasks of those that pass filters, by growing id, with their number in `total`."""
        query: Row = {"filters": {"conjunction": "and", "items": filters}, "ordering": ["tasks:id"]}
        if included is not None:
            query["selectedItems"] = {"all": False, "included": included}
        params: Row = {"project": project, "fields": fields, "page": 1, "page_size": page_size}
        params["query"] = json.dumps(query)
        if not resolve_uri:
            params["resolve_uri"] = "false"
        doing = f"list the tasks of project {project}"
        return dict(self.call("GET", "/api/tasks/", doing, params=params, bulk=True))

    def task(self, task: int) -> Row:
        """One task with its annotations and predictions."""
        return dict(self.call("GET", f"/api/tasks/{task}/", f"show task {task}", bulk=True))

    def create_annotation(self, task: int, result: Sequence[Mapping[str, Json]], **fields: Json) -> Row:
        """Submit an annotation, as Submit does in the editor; fields such as `was_cancelled`."""
        sent = {"result": list(result), **fields}
        return self._sdk_call(f"annotate task {task}", dict, lambda sdk: sdk.annotations.create(task, **sent))

    def annotation(self, annotation: int) -> Row | None:
        """One annotation as it is now; None where it is gone."""
        try:
            return dict(self.call("GET", f"/api/annotations/{annotation}/", f"show annotation {annotation}"))
        except LabelStudioFailed as error:
            if error.facts.get("status") != httpx.codes.NOT_FOUND:
                raise
            return None

    def update_annotation(self, annotation: int, result: Sequence[Mapping[str, Json]], **fields: Json) -> Row:
        """Put another result in the place of an annotation's, as Update does in the editor."""
        sent = {"result": list(result), **fields}
        doing = f"change annotation {annotation}"
        return self._sdk_call(doing, dict, lambda sdk: sdk.annotations.update(annotation, **sent))

    def delete_annotation(self, annotation: int) -> None:
        """Remove an annotation; one that is gone already is fine."""
        try:
            self.call("DELETE", f"/api/annotations/{annotation}/", f"remove annotation {annotation}")
        except LabelStudioFailed as error:
            if error.facts.get("status") != httpx.codes.NOT_FOUND:
                raise

    def delete_task(self, task: int) -> None:
        """Remove a task with all that people did in it; one that is gone already is fine."""
        try:
            self.call("DELETE", f"/api/tasks/{task}/", f"remove task {task}")
        except LabelStudioFailed as error:
            if error.facts.get("status") != httpx.codes.NOT_FOUND:
                raise

    # Views of the Data Manager

    def views(self, project: int) -> list[Row]:
        """The tabs of a project's Data Manager."""
        path, doing = "/api/dm/views/", f"list the tabs of project {project}"
        return list(self.call("GET", path, doing, params={"project": project}))

    def columns(self, project: int) -> list[Row]:
        """The columns that a project's Data Manager can show."""
        path, doing = "/api/dm/columns/", f"list the columns of project {project}"
        return list(self.call("GET", path, doing, params={"project": project})["columns"])

    def save_view(self, project: int, data: Row, view: int | None = None) -> None:
        """Make a tab, or change one.

        Args:
            project: whose Data Manager.
            data: `title`, `filters` and whatever else Label Studio keeps of a tab; all of it is replaced.
            view: the id of the tab that is changed; None makes one.
        """
        doing = f"make a tab in project {project}"
        method, path = ("POST", "/api/dm/views/") if view is None else ("PATCH", f"/api/dm/views/{view}/")
        self.call(method, path, doing, body={"project": project, "data": data})

    # Predictions

    def retrieve_predictions(self, project: int, tasks: Sequence[int]) -> None:
        """Do what "Retrieve predictions" does for these tasks, all in one call to the backend.

        Label Studio answers the same whether the backend did or not: look at the tasks afterwards.
        """
        sent: Row = {"id": "retrieve_tasks_predictions", "project": project, "request_options": self._bulk}
        sent["selected_items"] = {"all": False, "included": list(tasks)}
        doing = f"retrieve predictions in project {project}"
        self._sdk_call(doing, object, lambda sdk: sdk.actions.create(**sent))

    def create_prediction(self, task: int, result: Sequence[Mapping[str, Json]], model_version: str) -> None:
        """Store one prediction. Label Studio stores it even if it does not fit the config, or refuses it."""
        sent = {"task": task, "result": list(result), "model_version": model_version}
        doing = f"store a prediction of task {task}"
        self._sdk_call(doing, object, lambda sdk: sdk.predictions.create(**sent))

    def score_prediction(self, prediction: int, score: float) -> None:
        """Change the score of a prediction, and nothing else of it; its task counts as changed now."""
        doing = f"change the score of prediction {prediction}"
        self._sdk_call(doing, dict, lambda sdk: sdk.predictions.update(prediction, score=score))

    def import_predictions(
        self,
        project: int,
        predictions: Sequence[Mapping[str, Json]],
        about_to_send: Callable[[], object] = lambda: None,
    ) -> StoredPredictions:
        """Store predictions, each `{task, result, score, model_version}`, that fit the labeling config.

        The others are not sent, because Label Studio would drop them silently.

        Args:
            project: whose tasks they are of.
            predictions: as above.
            about_to_send: called right before they are sent, when all that may fail before is done.
        """
        check = PredictionCheck(str(self.project(project)["label_config"]))
        fit, left_out = check.split(predictions)
        created = 0
        if fit:
            path = f"/api/projects/{project}/import/predictions"
            doing = f"import {len(fit)} predictions into project {project}"
            about_to_send()
            created = int(self.call("POST", path, doing, body=fit, bulk=True)["created"])
        return StoredPredictions(created, len(fit) - created, left_out, check.unchecked)

    def delete_prediction(self, prediction: int) -> bool:
        """Remove a prediction; annotations that name it as the one they began with then name none.

        Returns:
            Whether it was there.
        """
        try:
            self.call("DELETE", f"/api/predictions/{prediction}/", f"remove prediction {prediction}")
        except LabelStudioFailed as error:
            if error.facts.get("status") != httpx.codes.NOT_FOUND:
                raise
            return False
        return True

    def delete_version(self, project: int, version: str) -> int:
        """Remove all predictions of a model version at once, as `delete_prediction` does with one.

        A project that fills its pages from this version then fills them from none.

        Returns:
            How many there were.
        """
        path = f"/api/projects/{project}/model-versions/"
        doing = f"remove the predictions of a version of project {project}"
        answer = self.call("DELETE", path, doing, body={"model_version": version}, bulk=True)
        return int(answer["deleted_predictions"])

    def read_boxes(self, backend: int, task: int, drawn: Sequence[Mapping[str, Json]]) -> Row:
        """The answer of the backend with this id to drawn boxes, requested as the editor does."""
        sent = {"task": task, "context": {"result": list(drawn)}, "request_options": self._bulk}
        doing = f"read boxes of task {task}"
        return self._sdk_call(doing, dict, lambda sdk: sdk.ml.predict_interactive(backend, **sent))

    # Backends and webhooks

    def backends(self, project: int) -> list[Row]:
        """The ML backends of a project; Label Studio calls each of them to tell its state."""
        doing = f"list the backends of project {project}"
        return self._sdk_call(doing, list, lambda sdk: sdk.ml.list(project=project), reads=True)

    def add_backend(self, **fields: Json) -> Row:
        """Make a connection, even a second one; `projects.backend_connection` makes only one per address."""
        doing = f"connect the backend {fields['url']}"
        return self._sdk_call(doing, dict, lambda sdk: sdk.ml.create(**fields))

    def update_backend(self, backend: int, **fields: Json) -> Row:
        """Change a connection; Label Studio checks `url` and `project` from these fields alone: give both."""
        doing = "change the backend's connection"
        return self._sdk_call(doing, dict, lambda sdk: sdk.ml.update(backend, **fields))

    def delete_backend(self, backend: int) -> None:
        """Remove a connection; its webhook stays."""
        self._sdk_call("remove the backend's connection", object, lambda sdk: sdk.ml.delete(backend))

    def webhooks(self, project: int) -> list[Row]:
        """The webhooks of a project."""
        doing, text = f"list the webhooks of project {project}", str(project)
        return self._sdk_call(doing, list, lambda sdk: sdk.webhooks.list(project=text), reads=True)

    def add_webhook(self, project: int, url: str, actions: Sequence[str], headers: Mapping[str, str]) -> Row:
        """Have Label Studio call an address after these actions in a project."""
        sent: Row = {"project": project, "url": url, "actions": list(actions), "headers": dict(headers)}
        sent |= {"send_payload": True, "send_for_all_actions": False, "is_active": True}
        return dict(
            self.call("POST", "/api/webhooks/", f"call {url} after work in project {project}", body=sent)
        )

    def update_webhook(self, webhook: int, **fields: Json) -> Row:
        """Change a webhook's `url`, or the `headers` that it sends, such as a secret."""
        kept = self._sdk_call("show the webhook", dict, lambda sdk: sdk.webhooks.get(webhook), reads=True)
        # Label Studio forgets the actions of a webhook when a change does not repeat them.
        sent = {"actions": kept["actions"], **fields}
        return self._sdk_call("change the webhook", dict, lambda sdk: sdk.webhooks.update(webhook, **sent))
