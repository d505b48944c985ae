from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import LabelStudioFailed, SettingsWrong
from backend.label_studio.auth import LabelStudioAuth

HERE = httpx.URL("http://label-studio:8080")
LEGACY = SecretStr("0123456789abcdef0123456789abcdef01234567")


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{body}.c2lnbmF0dXJl"


PERSONAL = SecretStr(jwt(token_type="refresh", exp=8_000_000_000, iat=1_800_000_000))


class Script:
    """Answers the exchange with a new access token each time; other requests with `status`."""

    def __init__(self, accepted: Callable[[str], bool] = lambda header: True, exchange: int = 200) -> None:
        self.accepted = accepted
        self.exchange = exchange
        self.exchanges = 0
        self.headers: list[str | None] = []
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/token/refresh/":
            assert json.loads(request.content) == {"refresh": PERSONAL.get_secret_value()}
            with self._lock:
                self.exchanges += 1
                # the clock of that machine is wrong by years, which must not matter
                access = jwt(token_type="access", iat=1000, exp=1300, n=self.exchanges)
            return httpx.Response(self.exchange, json={"access": access})
        header = request.headers.get("Authorization")
        self.headers.append(header)
        return httpx.Response(200 if self.accepted(header or "") else 401)


class Clock:
    seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def speaking(script: Script, key: SecretStr, clock: Clock | None = None) -> httpx.Client:
    client = httpx.Client(transport=httpx.MockTransport(script))
    client.auth = LabelStudioAuth(HERE, key, client, clock=clock or Clock())
    return client


def test_a_legacy_token_is_sent_as_it_is() -> None:
    script = Script()
    with speaking(script, LEGACY) as client:
        client.get(f"{HERE}/api/projects/")

    assert script.headers == [f"Token {LEGACY.get_secret_value()}"]
    assert script.exchanges == 0


def test_a_personal_access_token_is_exchanged_once_for_many_requests_in_many_threads() -> None:
    script = Script()
    with speaking(script, PERSONAL) as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.get(f"{HERE}/api/projects/"), range(40)))

    assert script.exchanges == 1
    assert len(set(script.headers)) == 1
    assert str(script.headers[0]).startswith("Bearer ")


@pytest.mark.parametrize(
    ("passed", "exchanges"),
    [
        pytest.param(239, 1, id="fresh enough"),
        pytest.param(241, 2, id="a minute before it expires"),
    ],
)
def test_an_access_token_is_renewed_before_it_expires(passed: float, exchanges: int) -> None:
    script, clock = Script(), Clock()
    with speaking(script, PERSONAL, clock) as client:
        client.get(f"{HERE}/api/projects/")
        clock.seconds += passed
        client.get(f"{HERE}/api/projects/")

    assert script.exchanges == exchanges


def test_a_refused_access_token_is_renewed_once() -> None:
    seen: list[str] = []

    def second_only(header: str) -> bool:
        seen.append(header)
        return header != seen[0]

    script = Script(second_only)
    with speaking(script, PERSONAL) as client:
        assert client.get(f"{HERE}/api/projects/").status_code == 200
    assert script.exchanges == 2

    script = Script(lambda header: False)
    with speaking(script, PERSONAL) as client:
        assert client.get(f"{HERE}/api/projects/").status_code == 401
    assert (script.exchanges, len(script.headers)) == (2, 2)


@pytest.mark.parametrize("key", [pytest.param(LEGACY, id="legacy"), pytest.param(PERSONAL, id="personal")])
@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param("http://other:8080/", id="another host"),
        pytest.param("http://label-studio:9090/", id="another port"),
        pytest.param("https://label-studio:8080/", id="another scheme"),
        pytest.param("http://label-studio:8080@evil.example/", id="as a user name"),
        pytest.param("http://label-studio.evil.example:8080/", id="as the start of a name"),
    ],
)
def test_the_key_is_shown_to_nobody_else(key: SecretStr, elsewhere: str) -> None:
    script = Script()
    with speaking(script, key) as client:
        url = httpx.URL(elsewhere).copy_with(username="", password="")
        client.get(url)

    assert script.headers == [None]
    assert script.exchanges == 0


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param("", "one word", id="empty"),
        pytest.param("Token 0123456789abcdef", "one word", id="with the word Token"),
        pytest.param("ключ", "one word", id="not ASCII"),
        pytest.param("abc\n", "one word", id="line break"),
        pytest.param(jwt(token_type="access"), "dies after five minutes", id="access token"),
    ],
)
def test_what_cannot_be_a_key_is_refused_with_a_way_out(key: str, words: str) -> None:
    with httpx.Client() as client, pytest.raises(SettingsWrong, match=words) as caught:
        LabelStudioAuth(HERE, SecretStr(key), client)

    assert "Account & Settings > Personal Access Token" in str(caught.value)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "personal"),
    [
        pytest.param(PERSONAL.get_secret_value(), True, id="personal access token"),
        pytest.param(LEGACY.get_secret_value(), False, id="legacy"),
        pytest.param("a.b.c", False, id="dots alone make no JWT"),
        pytest.param("a.bnVsbA.c", False, id="null inside"),
    ],
)
def test_the_kind_of_a_key_is_found_out(key: str, personal: bool) -> None:
    with httpx.Client() as client:
        assert LabelStudioAuth(HERE, SecretStr(key), client).personal is personal


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(401, "revoked", id="revoked"),
        pytest.param(404, "from 1.17 on", id="an old Label Studio, or none"),
        pytest.param(500, "HTTP 500", id="broken"),
    ],
)
def test_an_exchange_that_fails_says_why_without_the_token(status: int, words: str) -> None:
    with (
        speaking(Script(exchange=status), PERSONAL) as client,
        pytest.raises(LabelStudioFailed, match=words) as caught,
    ):
        client.get(f"{HERE}/api/projects/")

    assert PERSONAL.get_secret_value() not in str(caught.value)
