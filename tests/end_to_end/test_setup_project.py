"""`twinread setup-project` against real servers, and the sign-in that it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from tests.end_to_end.projects import Project, texts_of
from tests.label_studio.test_config_versions import BEFORE_B_IS_RIGHT
from tests.parts.backend_process import RunningBackend, backend_process, variables
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work, prediction, submitted

pytestmark = LABEL_STUDIO

SECRETS = {"basic_auth_user": "label-studio", "basic_auth_pass": "pass:word 1", "webhook_secret": "s3cret"}


def setup_project(
    folder: Path, label_studio: RunningLabelStudio, *arguments: str, **settings: object
) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, with a personal access token unless told otherwise."""
    chosen = {
        "label_studio_url": label_studio.base_url,
        "label_studio_api_key": label_studio.personal_token,
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "backend", "setup-project", *arguments],
        cwd=folder,
        env=variables(folder, chosen),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def guarded_backend(
    label_studio: RunningLabelStudio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBackend]:
    """A backend that wants user, password and webhook secret, and fetches images with a legacy token."""
    with backend_process(
        tmp_path_factory.mktemp("guarded"),
        label_studio_url=label_studio.base_url,
        label_studio_api_key=label_studio.legacy_token,
        ocr_language="ru",
        **SECRETS,
    ) as backend:
        yield backend


def state(api: LabelStudio, project: int) -> list[Any]:
    """Everything that setting up could change."""
    shown = api.project(project)
    lasting = {name: value for name, value in shown.items() if not name.endswith(("_number", "_count"))}
    return [lasting, api.backends(project), api.webhooks(project)]


def test_a_second_run_changes_nothing_and_the_project_works_with_sign_in_and_secret(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    arguments = ("--title", "Set up twice", "--language", "ru", "--backend-url", guarded_backend.url)
    first = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert first.returncode == 0, first.stderr
    assert "Created project" in first.stdout
    assert "Gave the webhook its secret." in first.stdout
    assert not any(
        secret in first.stdout + first.stderr for secret in SECRETS.values() if secret != "label-studio"
    )
    api = label_studio.api()
    (made,) = [project for project in api.projects() if project["title"] == "Set up twice"]
    before = state(api, made["id"])

    second = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert second.returncode == 0, second.stderr
    assert "Nothing had to change." in second.stdout
    after = state(api, made["id"])
    for row in (*before[1], *after[1]):
        row.pop("updated_at", None)
    assert after == before

    (shown,) = [api.project(made["id"])]
    assert shown["enable_empty_annotation"] is False
    assert shown["show_collab_predictions"] is True
    assert "Alt" in shown["expert_instruction"]
    (tmp_path / "a.png").write_bytes(file_of(drawn_page(["Счёт от 3 мая"])[0]))
    project = Project(api, made["id"])
    (task,) = project.upload(tmp_path / "a.png")
    prediction = project.retrieve_one(task)
    assert texts_of(prediction) == ["Счёт от 3 мая"]
    created = 'twinread_webhooks_total{action="ANNOTATION_CREATED"}'
    heard = guarded_backend.metric(created)
    api.create_annotation(task, prediction["result"])
    assert guarded_backend.metric(created) == heard + 1


def test_a_wrong_password_is_told_by_label_studio_when_connecting(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    wrong = {**SECRETS, "basic_auth_pass": "guess"}
    arguments = ("--title", "Wrong password", "--backend-url", guarded_backend.url)
    refused = setup_project(tmp_path, label_studio, *arguments, **wrong)
    assert refused.returncode == 3
    assert "authentication parameters" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_existing_config_is_checked_and_kept_unless_an_update_is_asked_for(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    api = label_studio.api()
    number = int(api.create_project(title="Has a config", label_config=CONFIG)["id"])
    own = api.project(number)["label_config"]
    arguments = ("--project", str(number), "--backend-url", guarded_backend.url)
    kept = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert kept.returncode == 0, kept.stderr
    assert api.project(number)["label_config"] == own
    updated = setup_project(tmp_path, label_studio, *arguments, "--update", **SECRETS)
    assert updated.returncode == 0, updated.stderr
    assert api.project(number)["label_config"] == default_config().strip()
    again = setup_project(tmp_path, label_studio, *arguments, "--update", **SECRETS)
    assert "Nothing had to change." in again.stdout


def test_a_config_that_twinread_wrote_before_is_renewed_with_the_work_in_it_and_an_edited_one_stays(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    api = label_studio.api()
    edited = BEFORE_B_IS_RIGHT.replace('"#2e7d32"', '"#00ff00"')
    for config, after in ((BEFORE_B_IS_RIGHT, default_config().strip()), (edited, edited)):
        number = int(api.create_project(title="Of before", label_config=config)["id"])
        (task,) = api.import_tasks(number, [{"data": {"image": "/page.png"}}])
        work = submitted(prediction([Work(["a", "b"], "a", "later")], (1000, 800)), [Work([], "a", "later")])
        api.create_annotation(task, work)
        arguments = ("--project", str(number), "--backend-url", guarded_backend.url)

        done = setup_project(tmp_path, label_studio, *arguments, **SECRETS)

        assert done.returncode == 0, done.stderr
        assert api.project(number)["label_config"] == after
        assert ("Set twinread's labeling config." in done.stdout) is (config is BEFORE_B_IS_RIGHT)
        assert api.task(task)["annotations"][0]["result"] == work
        again = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
        assert "labeling config" not in again.stdout


def test_what_a_team_wrote_and_chose_is_kept_shown_and_replaced_only_when_asked_for(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    api = label_studio.api()
    theirs = {
        "expert_instruction": "<p>Seals and stamps: press <b>4</b>.</p>",
        "sampling": "Uniform sampling",
        "show_instruction": False,
    }
    number = int(api.create_project(title="A team's own", label_config=CONFIG, **theirs)["id"])
    arguments = ("--project", str(number), "--backend-url", guarded_backend.url)

    kept = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert kept.returncode == 0, kept.stderr
    shown = api.project(number)
    assert {name: shown[name] for name in theirs} == theirs
    assert shown["enable_empty_annotation"] is False, "nobody had decided it"
    assert "Switched off 'Allow empty annotations'" in kept.stdout
    assert "- Seals and stamps: press 4 ." in kept.stdout
    assert "Kept 'Task sampling' at 'Uniform sampling'" in kept.stdout

    (connection,) = api.backends(number)
    api.update_backend(
        connection["id"],
        url=connection["url"],
        project=number,
        title="Reader on the third floor",
        is_interactive=False,
        auth_method="BASIC_AUTH",
        basic_auth_user=SECRETS["basic_auth_user"],
        basic_auth_pass=SECRETS["basic_auth_pass"],
    )
    api.update_project(number, enable_empty_annotation=True)
    again = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert api.project(number)["enable_empty_annotation"] is True, "now somebody has"
    assert "--update empty-pages" in again.stdout
    (connection,) = api.backends(number)
    assert (connection["title"], connection["is_interactive"]) == ("Reader on the third floor", False)
    assert "Kept 'Interactive preannotations' off" in again.stdout

    one = setup_project(tmp_path, label_studio, *arguments, "--update", "sampling", **SECRETS)
    assert one.returncode == 0, one.stderr
    shown = api.project(number)
    assert shown["sampling"] == "Uncertainty sampling"
    assert shown["expert_instruction"] == theirs["expert_instruction"]
    assert shown["label_config"] == CONFIG

    everything = setup_project(tmp_path, label_studio, *arguments, "--update", **SECRETS)
    assert theirs["expert_instruction"] in everything.stdout, "what was replaced can be put back"
    assert all(line in everything.stdout for line in CONFIG.splitlines())
    assert "Alt + ." in api.project(number)["expert_instruction"]


def test_a_project_stays_in_its_language_until_another_one_is_named(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    arguments = ("--title", "In Russian", "--backend-url", guarded_backend.url)
    setup_project(tmp_path, label_studio, *arguments, "--language", "ru", **SECRETS)
    again = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert "Nothing had to change." in again.stdout, again.stdout
    english = setup_project(tmp_path, label_studio, *arguments, "--language", "en", **SECRETS)
    assert "Wrote 'Labeling instructions'" in english.stdout


def test_the_next_step_is_named_with_its_command(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    api = label_studio.api()
    arguments = ("--title", "Steps", "--backend-url", guarded_backend.url)
    new = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    (made,) = [project for project in api.projects() if project["title"] == "Steps"]
    command = f"`twinread preannotate --project {made['id']}`"
    assert f"then run {command} to read them" in new.stdout
    (task,) = api.import_tasks(made["id"], [{"data": {"image": "/data/upload/1/a.png"}}])
    unread = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert f"1 of 1 pages have no prediction of the version that fills pages: run {command}." in unread.stdout
    assert unread.returncode == 0, unread.stderr
    api.create_prediction(task, [], guarded_backend.status()["model_version"])
    read = setup_project(tmp_path, label_studio, *arguments, **SECRETS)
    assert "All 1 pages have a prediction" in read.stdout


def test_two_projects_of_one_title_are_told_apart_by_number(
    label_studio: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    numbers = [label_studio.api().create_project(title="Twins", label_config=CONFIG)["id"] for _ in "ab"]
    refused = setup_project(tmp_path, label_studio, "--title", "Twins", "--backend-url", guarded_backend.url)
    assert refused.returncode == 1
    assert "--project" in refused.stderr
    assert all(str(number) in refused.stderr for number in numbers)


def test_where_label_studio_blocks_private_addresses_the_two_settings_are_named(
    label_studio_strict: RunningLabelStudio, guarded_backend: RunningBackend, tmp_path: Path
) -> None:
    refused = setup_project(
        tmp_path, label_studio_strict, "--title", "Blocked", "--backend-url", guarded_backend.url, **SECRETS
    )
    assert refused.returncode == 3
    for setting in ("USE_DEFAULT_BANNED_SUBNETS=false", "USER_ADDITIONAL_BANNED_SUBNETS="):
        assert setting in refused.stderr
    assert "Traceback" not in refused.stderr
    api = label_studio_strict.api()
    (made,) = [project for project in api.projects() if project["title"] == "Blocked"]
    assert api.backends(made["id"]) == []


def test_without_a_key_the_command_says_where_to_get_one(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    refused = setup_project(tmp_path, label_studio, label_studio_api_key="")
    assert refused.returncode == 2
    assert "Personal Access Token" in refused.stderr
