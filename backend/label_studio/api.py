"""Label Studio's API as twinread uses it: one method per thing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from pydantic import SecretStr

from backend.errors import LabelStudioFailed
from backend.label_studio.connection import Json, LabelStudioConnection
from backend.label_studio.uploads import Upload, upload_files

__all__ = ["LabelStudioApi", "Upload"]


class LabelStudioApi(LabelStudioConnection):
    """What twinread asks of Label Studio; safe between threads. Close it, or use it in a `with` block.

    Every method raises `LabelStudioFailed` with one sentence when Label Studio is out of reach or refuses.
    """

    # The server and the key

    def version(self) -> str:
        """Label Studio's version, such as "1.23.2"."""
        answer = self.call("GET", "/api/version/", "tell its version")
        if not isinstance(answer, dict) or "release" not in answer:
            raise self.not_label_studio()
        return str(answer["release"])

    def whoami(self) -> dict[str, Json]:
        """The user that the key belongs to."""
        return dict(self.call("GET", "/api/current-user/whoami", "tell whose key this is"))

    # Projects

    def projects(self) -> list[dict[str, Json]]:
        """Every project that the key can see."""
        found: list[dict[str, Json]] = []
        for page in range(1, 1_000_000):
            answer = self.call(
                "GET", "/api/projects/", "list its projects", params={"page": page, "page_size": 100}
            )
            found += answer["results"]
            if not answer["next"]:
                break
        return found

    def project(self, project: int) -> dict[str, Json]:
        """One project with all its settings."""
        return dict(self.call("GET", f"/api/projects/{project}/", f"show project {project}"))

    def create_project(self, **fields: Json) -> dict[str, Json]:
        """Make a project, with fields such as `title` and `label_config`."""
        return dict(self.call("POST", "/api/projects/", "create a project", body=fields))

    def update_project(self, project: int, **fields: Json) -> dict[str, Json]:
        """Change fields of a project."""
        return dict(self.call("PATCH", f"/api/projects/{project}/", f"change project {project}", body=fields))

    def validate_config(self, xml: str) -> None:
        """Ask whether a labeling config is one; a bad one is a `LabelStudioFailed` with the reason."""
        self.call("POST", "/api/projects/validate/", "accept the labeling config", body={"label_config": xml})

    # Tasks

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Json]]) -> list[int]:
        """Make tasks, each `{"data": {...}}` with optional predictions and annotations; gives their ids."""
        answer = self.call(
            "POST",
            f"/api/projects/{project}/import",
            f"import {len(tasks)} tasks into project {project}",
            params={"return_task_ids": "true"},
            body=list(tasks),
            bulk=True,
        )
        return [int(task) for task in answer["task_ids"]]

    def upload_files(self, project: int, paths: Sequence[Path]) -> list[Upload]:
        """Give files to Label Studio without making tasks of them.

        Args:
            project: whose files they become.
            paths: files with extensions that Label Studio knows; it takes no TIFF.

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
        page_size: int = 100,
    ) -> Iterator[dict[str, Json]]:
        """Every task of a project by growing id, a page at a time, so that memory stays flat.

        Args:
            project: whose tasks.
            fields: "all" for annotations and predictions with their results, "task_only" for counts.
            updated_since: only tasks changed after this moment. Label Studio notes a change some tenths of
                a second after it, drafts and bulk predictions not at all: let times overlap.
            page_size: tasks per request.
        """
        last = 0
        while True:
            filters = [_filter("id", "greater", "Number", last)]
            if updated_since is not None:
                moment = updated_since.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                filters.append(_filter("updated_at", "greater", "Datetime", moment))
            query = {"filters": {"conjunction": "and", "items": filters}, "ordering": ["tasks:id"]}
            answer = self.call(
                "GET",
                "/api/tasks/",
                f"list the tasks of project {project}",
                params={
                    "project": project,
                    "fields": fields,
                    "page": 1,
                    "page_size": page_size,
                    "query": json.dumps(query),
                },
                bulk=True,
            )
            page = answer["tasks"]
            yield from page
            if len(page) < page_size:
                return
            last = page[-1]["id"]

    def task(self, task: int) -> dict[str, Json]:
        """One task with its annotations and predictions."""
        return dict(self.call("GET", f"/api/tasks/{task}/", f"show task {task}", bulk=True))

    def create_annotation(
        self, task: int, result: Sequence[Mapping[str, Json]], **fields: Json
    ) -> dict[str, Json]:
        """Submit an annotation, as Submit does in the editor; fields such as `was_cancelled`."""
        body = {"result": list(result), **fields}
        return dict(self.call("POST", f"/api/tasks/{task}/annotations/", f"annotate task {task}", body=body))

    # Predictions

    def retrieve_predictions(self, project: int, tasks: Sequence[int]) -> None:
        """Do what "Retrieve predictions" does for these tasks, all in one call to the backend.

        Label Studio answers the same whether the backend did or not: look at the tasks afterwards.
        """
        self.call(
            "POST",
            "/api/dm/actions",
            f"retrieve predictions in project {project}",
            params={"id": "retrieve_tasks_predictions", "project": project},
            body={"selectedItems": {"all": False, "included": list(tasks)}},
            bulk=True,
        )

    def import_predictions(self, project: int, predictions: Sequence[Mapping[str, Json]]) -> int:
        """Store predictions, each `{task, result, score, model_version}`.

        Returns:
            How many Label Studio took: it drops those that do not fit the labeling config in silence.
        """
        answer = self.call(
            "POST",
            f"/api/projects/{project}/import/predictions",
            f"import {len(predictions)} predictions into project {project}",
            body=list(predictions),
            bulk=True,
        )
        return int(answer["created"])

    # Backends and webhooks

    def backends(self, project: int) -> list[dict[str, Json]]:
        """The ML backends of a project; Label Studio calls each of them to tell its state."""
        return list(
            self.call(
                "GET", "/api/ml/", f"list the backends of project {project}", params={"project": project}
            )
        )

    def connect_backend(
        self,
        project: int,
        url: str,
        title: str,
        *,
        basic_auth: tuple[str, SecretStr] | None = None,
        interactive: bool = True,
    ) -> dict[str, Json]:
        """Connect a backend to a project, so that trying again never makes a second one.

        A connection with the same address is changed in place; one that was saved by half (its webhook is
        missing, see `UNBLOCK`) is removed first. The project shows its predictions afterwards, unless it
        was set to show others.

        Args:
            project: which project.
            url: the backend's address as Label Studio reaches it.
            title: what people see.
            basic_auth: user and password that the backend wants.
            interactive: also call it while somebody draws.
        """
        same = [row for row in self.backends(project) if row["url"].rstrip("/") == url.rstrip("/")]
        hooked = any(hook["url"] == _webhook_url(url) for hook in self.webhooks(project))
        keep = same[0] if same and hooked else None
        for row in same:
            if row is not keep:
                self.delete_backend(row["id"])
        fields: dict[str, Json] = {
            "project": project,
            "url": url,
            "title": title,
            "is_interactive": interactive,
            "auth_method": "BASIC_AUTH" if basic_auth else "NONE",
        }
        if basic_auth:
            fields["basic_auth_user"] = basic_auth[0]
            fields["basic_auth_pass"] = basic_auth[1].get_secret_value()
        if keep is not None:
            connected = self.update_backend(keep["id"], **fields)
        else:
            connected = self._add_backend(fields)
        shown = self.project(project)["model_version"]
        if shown != title and shown in ("", None, keep["title"] if keep else None):
            self.update_project(project, model_version=title)
        return connected

    def update_backend(self, backend: int, **fields: Json) -> dict[str, Json]:
        """Change a connection; Label Studio checks `url` and `project` from these fields alone: give both."""
        return dict(self.call("PATCH", f"/api/ml/{backend}", "change the backend's connection", body=fields))

    def delete_backend(self, backend: int) -> None:
        """Remove a connection; its webhook stays."""
        self.call("DELETE", f"/api/ml/{backend}", "remove the backend's connection")

    def webhooks(self, project: int) -> list[dict[str, Json]]:
        """The webhooks of a project."""
        return list(
            self.call(
                "GET",
                "/api/webhooks/",
                f"list the webhooks of project {project}",
                params={"project": project},
            )
        )

    def update_webhook(
        self, webhook: int, *, url: str | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Json]:
        """Change a webhook's address or the headers that it sends, such as a secret."""
        path = f"/api/webhooks/{webhook}/"
        # Label Studio forgets the actions of a webhook when a change does not repeat them.
        fields: dict[str, Json] = {"actions": self.call("GET", path, "show the webhook")["actions"]}
        if url is not None:
            fields["url"] = url
        if headers is not None:
            fields["headers"] = dict(headers)
        return dict(self.call("PATCH", path, "change the webhook", body=fields))

    def _add_backend(self, fields: Mapping[str, Json]) -> dict[str, Json]:
        try:
            return dict(self.call("POST", "/api/ml/", f"connect the backend {fields['url']}", body=fields))
        except LabelStudioFailed:
            # the row may have been saved before its webhook was refused
            for row in self.backends(fields["project"]):
                if row["url"].rstrip("/") == fields["url"].rstrip("/"):
                    self.delete_backend(row["id"])
            raise


def _webhook_url(backend_url: str) -> str:
    return backend_url.rstrip("/") + "/webhook"


def _filter(column: str, operator: str, kind: str, value: Json) -> dict[str, Json]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
