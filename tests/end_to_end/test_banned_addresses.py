"""What Label Studio, with the settings that `make run` and compose give it, calls for whoever knows a URL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6

import httpx
import pytest

from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio

pytestmark = LABEL_STUDIO
TASKS = b'[{"data": {"image": "https://example.org/a.png"}}]'


class _Server6(ThreadingHTTPServer):
    address_family = AF_INET6


class _Tasks(BaseHTTPRequestHandler):
    """Answers each request with tasks, or with a redirect where the server was given one."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        target = self.server.target  # type: ignore[attr-defined]
        self.send_response(302 if target else 200)
        self.send_header("Location" if target else "Content-Type", target or "application/json")
        self.send_header("Content-Length", "0" if target else str(len(TASKS)))
        self.end_headers()
        self.wfile.write(b"" if target else TASKS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening(address: str, target: str = "") -> Iterator[ThreadingHTTPServer]:
    kind = _Server6 if ":" in address else ThreadingHTTPServer
    assert kind.address_family in (AF_INET, AF_INET6)
    with kind((address, 0), _Tasks) as server:
        server.asked, server.target = [], target  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def import_from(label_studio: RunningLabelStudio, url: str) -> httpx.Response:
    """Import tasks by URL, as the import page does: sent as a form, the URL is called."""
    project = label_studio.api().create_project(title="imported", label_config=CONFIG)["id"]
    return httpx.post(
        f"{label_studio.base_url}/api/projects/{project}/import",
        data={"url": url},
        headers={"Authorization": f"Token {label_studio.legacy_token.get_secret_value()}"},
        timeout=60,
        trust_env=False,
    )


def test_tasks_of_a_server_beside_label_studio_are_imported(label_studio: RunningLabelStudio) -> None:
    with listening("127.0.0.1") as server:
        answer = import_from(label_studio, f"http://127.0.0.1:{server.server_port}/tasks.json")
        assert answer.json()["task_count"] == 1, answer.text
        assert server.asked == ["/tasks.json"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("listens", "host"),
    [
        pytest.param("::1", "[::1]", id="loopback of IPv6"),
        pytest.param("127.0.0.1", "[::ffff:127.0.0.1]", id="IPv4 written as IPv6"),
        pytest.param("::", "[::]", id="unspecified address of IPv6"),
        pytest.param("127.0.0.1", "0.0.0.0", id="unspecified address of IPv4"),
    ],
)
@pytest.mark.parametrize("way", ["named", "by a redirect"])
def test_label_studio_calls_no_banned_address(
    label_studio: RunningLabelStudio, listens: str, host: str, way: str
) -> None:
    with ExitStack() as opened:
        secret = opened.enter_context(listening(listens))
        url = f"http://{host}:{secret.server_port}/tasks.json"
        if way == "by a redirect":
            # the first hop is allowed; Label Studio looks at the second one only when it connects
            hop = opened.enter_context(listening("127.0.0.1", target=url))
            url = f"http://127.0.0.1:{hop.server_port}/tasks.json"
        refusal = import_from(label_studio, url)
        assert secret.asked == []  # type: ignore[attr-defined]
    assert refusal.status_code == 400
    if way == "by a redirect":
        assert "reserved network address" in refusal.text
