"""Starts a real Label Studio on this machine, for `make run` and for the tests.

It runs as a process, in the environment that `backend.demo.label_studio_installation` describes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
from pydantic import SecretStr

from backend.demo.label_studio_installation import (
    DATABASE,
    ENVIRONMENT,
    TEMPLATES,
    bare_variables,
    copy_template,
    last_lines,
    migrated_template,
)
from backend.errors import LabelStudioFailed, SettingsWrong

BANNED_SUBNETS = (
    # "this network", which Linux takes for loopback, and link-local with the metadata of most clouds
    "0.0.0.0/8",
    "169.254.0.0/16",
    # metadata that lie elsewhere: Alibaba's, and by IPv6 Amazon's, Google's and Oracle's
    "100.100.100.200/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "fd00:c1::a9fe:a9fe/128",
    # unspecified, loopback and link-local
    "::/128",
    "::1/128",
    "fe80::/10",
    # IPv4 written as IPv6, which no IPv4 subnet above would match: mapped, translated, NAT64, Teredo, 6to4
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2001::/32",
    "2002::/16",
)
"""What Label Studio must not call by a URL that somebody gave it; docker-compose.yml bans 127.0.0.0/8, too.

Private addresses (10.0.0.0/8, fc00::/7, ...) are not among them: backends have such.
"""

# The narrowest settings under which Label Studio talks to a backend on this machine or a private
# network; cloud metadata addresses stay blocked.
PRIVATE_BACKENDS = {
    "USE_DEFAULT_BANNED_SUBNETS": "false",
    "USER_ADDITIONAL_BANNED_SUBNETS": ",".join(BANNED_SUBNETS),
}


@dataclass(frozen=True, slots=True)
class Login:
    """The first user of a new data folder; an existing folder keeps the user that it was made with.

    user: an e-mail address.
    token: the legacy token, 40 hexadecimal digits; it opens the API only with `legacy_tokens`.
    """

    user: str
    password: SecretStr
    token: SecretStr


class LabelStudioServer:
    """One Label Studio process with SQLite on 127.0.0.1, up while the `with` block runs.

    Attributes:
        base_url: its address, once started.
        log: the file that takes everything it prints.
    """

    def __init__(
        self,
        data: Path,
        account: Login,
        *,
        port: int = 0,
        private_backends: bool = True,
        legacy_tokens: bool = True,
        local_files: Path | None = None,
        environment: Path = ENVIRONMENT,
        templates: Path = TEMPLATES,
        start_timeout_s: float = 240,
    ) -> None:
        """Describe the server; `start` starts it.

        Args:
            data: the data folder; made from the migrated template when it is not there.
            account: who can log in; see `Login` for a folder that exists.
            port: where to listen; 0 takes a free port.
            private_backends: let Label Studio call backends on loopback and private addresses. Off,
                it runs with its stock address block, as a default installation does.
            legacy_tokens: accept `account.token`; decided when the data folder is made.
            local_files: folder that local file storages may serve from.
            environment: the Python environment that Label Studio is installed in.
            templates: folder of migrated data folders, one per Label Studio version.
            start_timeout_s: longest wait for the first answer, seconds.
        """
        self.data = data
        self.account = account
        self.base_url = f"http://127.0.0.1:{port}"
        self.log = data / "label-studio.log"
        self._port = port
        self._private_backends = private_backends
        self._legacy_tokens = legacy_tokens
        self._local_files = local_files
        self._environment = environment
        self._templates = templates
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LabelStudioServer:
        """Start and wait until it answers."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever happened."""
        self.stop()

    def start(self, watch: Callable[[], None] = lambda: None) -> None:
        """Start the process and wait for `/health`.

        Args:
            watch: called a few times a second while waiting, for example to draw progress.

        Raises:
            SettingsWrong: Label Studio is not installed where `environment` says, or the port is taken.
            LabelStudioFailed: it did not come up; the message ends with the last lines of its log.
        """
        if not (self.data / DATABASE).is_file():
            copy_template(migrated_template(self._environment, self._templates), self.data)
        port = self._port or _free_port()
        if _answers(port):
            raise SettingsWrong(
                f"Port {port} is taken, so Label Studio cannot start there. "
                "Stop the program that listens on it, or choose another port.",
                port=port,
            )
        self.base_url = f"http://127.0.0.1:{port}"
        command = [
            *(str(self._environment / "bin" / "label-studio"), "start", "--no-browser"),
            # without --debug it would silently move to the next free port
            *("--debug", "--internal-host", "127.0.0.1", "--port", str(port)),
            *(["--enable-legacy-api-token"] if self._legacy_tokens else []),
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.data,
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that stop() can end it with all its children
            )
        try:
            self._wait_until_healthy(watch)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process and its children; does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # children, and perhaps the process itself, may have survived the first signal
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()

    def create_personal_access_token(self) -> SecretStr:
        """Log in and make the account's personal access token; Label Studio gives each user one, once.

        Raises:
            LabelStudioFailed: the login was refused, or the user already has such a token.
        """
        with httpx.Client(base_url=self.base_url, timeout=30, trust_env=False) as client:
            client.get("/user/login/")
            form = {
                "email": self.account.user,
                "password": self.account.password.get_secret_value(),
                "csrfmiddlewaretoken": client.cookies.get("csrftoken") or "",
            }
            client.post("/user/login/", data=form)
            response = client.post(
                "/api/token/", headers={"X-CSRFToken": client.cookies.get("csrftoken") or ""}
            )
        if response.status_code == httpx.codes.CONFLICT:
            raise LabelStudioFailed(
                "This Label Studio user already has a personal access token, and it is shown only once. "
                "Revoke it under Account & Settings > Personal Access Token to make another.",
                status=response.status_code,
            )
        if response.is_error:
            raise LabelStudioFailed(
                f"Label Studio gave no personal access token ({response.status_code}): the login was "
                "refused. The data folder keeps the user and password that it was made with.",
                status=response.status_code,
            )
        return SecretStr(response.json()["token"])

    def _variables(self) -> dict[str, str]:
        """The environment of the process; secrets go here because arguments are visible to everybody."""
        variables = bare_variables() | {
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.data.resolve()),
            "LABEL_STUDIO_USERNAME": self.account.user,
            "LABEL_STUDIO_PASSWORD": self.account.password.get_secret_value(),
            "LABEL_STUDIO_USER_TOKEN": self.account.token.get_secret_value(),
            "XDG_CONFIG_HOME": str(self.data.resolve() / ".config"),
            "PYTHONUNBUFFERED": "1",
        }
        if self._private_backends:
            variables |= PRIVATE_BACKENDS
        if self._local_files is not None:
            variables["LOCAL_FILES_SERVING_ENABLED"] = "true"
            variables["LOCAL_FILES_DOCUMENT_ROOT"] = str(self._local_files.resolve())
        return variables

    def _wait_until_healthy(self, watch: Callable[[], None]) -> None:
        assert self._process is not None  # noqa: S101 - start() has just set it
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            code = self._process.poll()
            if code is not None:
                raise LabelStudioFailed(
                    f"Label Studio ended with exit code {code} while it was starting. "
                    f"The last lines of its log:\n{self._last_lines()}",
                    exit_code=code,
                )
            try:
                if httpx.get(f"{self.base_url}/health", timeout=2, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            watch()
            time.sleep(0.2)
        raise LabelStudioFailed(
            f"Label Studio did not answer within {self._start_timeout_s:.0f} s. "
            f"The last lines of its log:\n{self._last_lines()}",
            timeout_s=self._start_timeout_s,
        )

    def _last_lines(self) -> str:
        secrets = [self.account.password.get_secret_value(), self.account.token.get_secret_value()]
        return last_lines(self.log.read_text("utf-8", errors="replace"), secrets)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(group, number)
