"""What is refused by a request's headers alone."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Request

from backend.server.admission import refused
from backend.settings.settings import Settings

SIGN_IN = {"basic_auth_user": "ls", "basic_auth_pass": "hunter2"}
JSON = {"Content-Type": "application/json"}


def answer(
    path: str, headers: dict[str, str], *, method: str = "POST", length: int = 2, **values: Any
) -> tuple[int, str] | None:
    """Status and sentence of a refusal; None where the request goes on."""
    environ = Request.from_values(path, method=method, headers=headers).environ
    environ["CONTENT_LENGTH"] = str(length)
    came = refused(Request(environ), Settings(_env_file=None, **values))  # type: ignore[call-arg]
    return None if came is None else (came.status_code, came.status.partition(" ")[2])


@pytest.mark.parametrize("path", ["/predict", "/webhook/secret"])
@pytest.mark.parametrize(
    ("headers", "length", "status"),
    [
        pytest.param(JSON, 2, None, id="as Label Studio sends it"),
        pytest.param({"Content-Type": "application/json; charset=utf-8"}, 2, None, id="with a charset"),
        pytest.param({}, 0, None, id="nothing at all"),
        pytest.param({}, 2, 415, id="no content type"),
        pytest.param({"Content-Type": "text/plain"}, 2, 415, id="what a page may send without being asked"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 2, 415, id="a form"),
        pytest.param(JSON | {"Origin": "http://evil.example"}, 2, 403, id="a foreign page"),
        pytest.param(JSON | {"Origin": "null"}, 2, 403, id="a page in a sandbox"),
        pytest.param(
            JSON | {"Origin": "http://localhost", "Host": "localhost"}, 2, 403, id="a page of this machine"
        ),
    ],
)
def test_a_body_is_json_and_comes_from_no_web_page(
    path: str, headers: dict[str, str], length: int, status: int | None
) -> None:
    came = answer(path, headers, length=length)
    assert (came and came[0]) == status


@pytest.mark.parametrize(
    ("path", "length", "sentence"),
    [
        pytest.param("/predict", 5000, None, id="tasks at the limit"),
        pytest.param(
            "/predict", 5001, "over 5000 bytes. Send fewer tasks at once, or raise MAX_REQUEST_BYTES"
        ),
        pytest.param(
            "/webhook", 2001, "over 2000 bytes. Send fewer tasks at once, or raise MAX_WEBHOOK_BYTES"
        ),
        pytest.param("/reload/secret", 2001, "over 2000 bytes", id="reload"),
        pytest.param("/nowhere", 2001, "over 2000 bytes", id="a path that is not there"),
    ],
)
def test_a_body_over_its_limit_is_refused_by_name_of_the_setting(
    path: str, length: int, sentence: str | None
) -> None:
    came = answer(path, JSON, length=length, max_request_bytes=5000, max_webhook_bytes=2000)
    if sentence is None:
        assert came is None
    else:
        assert came is not None
        assert came[0] == 413
        assert sentence in came[1]


def test_a_body_without_a_length_goes_no_further_where_the_server_does_not_bound_it() -> None:
    environ = Request.from_values("/predict", method="POST", headers=JSON).environ
    environ.pop("CONTENT_LENGTH", None)
    environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    came = refused(Request(environ), Settings(_env_file=None))  # type: ignore[call-arg]
    assert came is not None
    assert came.status_code == 411


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost:9090", True),
        ("127.0.0.1:9090", True),
        ("[::1]:9090", True),
        ("192.168.1.7:9090", True),
        ("backend:9090", True),
        ("backend.internal:9090", True),
        ("host.docker.internal:9090", True),
        ("evil.example:9090", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_without_a_password_a_foreign_name_for_this_machine_is_not_answered(host: str, ours: bool) -> None:
    came = answer("/status", {"Host": host}, method="GET", length=0)
    assert (came is None) == ours
    assert came is None or came[0] == 403
    assert answer("/status", {"Host": host}, method="GET", length=0, **SIGN_IN) is None
    assert answer("/status", {"Host": host}, method="GET", length=0, allow_no_password=True) is None


@pytest.mark.parametrize(
    ("address", "path", "ours"),
    [
        pytest.param("127.0.0.1", "/predict", True, id="this machine"),
        pytest.param("::1", "/predict", True, id="this machine by IPv6"),
        pytest.param("", "/predict", True, id="a Unix socket"),
        pytest.param("192.168.1.7", "/predict", False, id="another machine"),
        pytest.param("fd00::7", "/status", False, id="another machine by IPv6"),
        pytest.param("192.168.1.7", "/health", True, id="a load balancer's question"),
    ],
)
def test_without_a_password_another_machine_is_not_answered(address: str, path: str, ours: bool) -> None:
    def came(**values: object) -> tuple[int, str] | None:
        environ = Request.from_values(path, method="GET", headers={"Host": "localhost"}).environ
        request = Request(environ | {"REMOTE_ADDR": address})
        answer = refused(request, Settings(_env_file=None, **values))  # type: ignore[call-arg]
        return None if answer is None else (answer.status_code, answer.status.partition(" ")[2])

    refusal = came()
    assert (refusal is None) == ours
    assert refusal is None or (refusal[0] == 403 and "BASIC_AUTH_USER" in refusal[1])
    assert came(**SIGN_IN) is None
    assert came(allow_no_password=True) is None
