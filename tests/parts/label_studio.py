"""A real Label Studio for tests, started once per session and only where a test asks for it.

Tests that use one carry `LABEL_STUDIO`, so that pytest-xdist (`--dist loadgroup`) gives them all to
one worker and starts one server.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from backend.demo.label_studio_server import LabelStudioServer, Login
from backend.label_studio.client import LabelStudio

LABEL_STUDIO = pytest.mark.xdist_group("label_studio")

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="label" toName="image"><Label value="Text"/></RectangleLabels>
  <TextArea name="transcription" toName="image" perRegion="true"/>
</View>"""


@dataclass(frozen=True)
class RunningLabelStudio:
    """A started server, what opens it, and the folder that its local file storages may serve from."""

    server: LabelStudioServer
    personal_token: SecretStr
    local_files: Path
    api: Callable[..., LabelStudio]
    """Makes a client, closed at the end of the session; with the personal token unless given another."""

    @property
    def base_url(self) -> str:
        return self.server.base_url

    @property
    def user(self) -> str:
        return self.server.account.user

    @property
    def password(self) -> SecretStr:
        return self.server.account.password

    @property
    def legacy_token(self) -> SecretStr:
        return self.server.account.token


def new_account() -> Login:
    return Login(
        "annotator@example.org", SecretStr(secrets.token_urlsafe(16)), SecretStr(secrets.token_hex(20))
    )


class _OnPostgres(LabelStudioServer):
    """A Label Studio whose tasks and predictions are in PostgreSQL, as teams run it."""

    database: URL

    def _variables(self) -> dict[str, str]:
        where = self.database
        return super()._variables() | {
            "DJANGO_DB": "default",
            "POSTGRE_NAME": str(where.database),
            "POSTGRE_USER": str(where.username),
            "POSTGRE_PASSWORD": str(where.password or ""),
            "POSTGRE_HOST": str(where.host),
            "POSTGRE_PORT": str(where.port),
        }


def running_label_studio(
    folder: Path, *, private_backends: bool = True, legacy_tokens: bool = True, database: URL | None = None
) -> Iterator[RunningLabelStudio]:
    """Start one, stopped at the end; with an empty PostgreSQL database it takes half a minute for its tables.

    Args:
        folder: for its data; empty.
        private_backends: allow backends on private addresses.
        legacy_tokens: accept legacy tokens.
        database: an empty one of PostgreSQL; None for SQLite.
    """
    local_files = folder / "local files"
    local_files.mkdir()
    server = (LabelStudioServer if database is None else _OnPostgres)(
        folder / "data",
        new_account(),
        private_backends=private_backends,
        legacy_tokens=legacy_tokens,
        local_files=local_files,
    )
    if isinstance(server, _OnPostgres):
        assert database is not None
        server.database = database
    with ExitStack() as opened:
        opened.enter_context(server)
        token = server.create_personal_access_token()

        def api(key: SecretStr = token) -> LabelStudio:
            return opened.enter_context(LabelStudio(server.base_url, key))

        yield RunningLabelStudio(server, token, local_files, api)


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLabelStudio]:
    """Label Studio as `make run` starts it: backends on private addresses allowed, both kinds of token."""
    folder = tmp_path_factory.mktemp("label_studio")
    yield from running_label_studio(folder)


@pytest.fixture(scope="session")
def label_studio_strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLabelStudio]:
    """Label Studio as it comes: private addresses blocked, legacy tokens off."""
    folder = tmp_path_factory.mktemp("label_studio_strict")
    yield from running_label_studio(folder, private_backends=False, legacy_tokens=False)
