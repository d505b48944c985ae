"""Proves to Label Studio who we are, with either kind of key, and to nobody else.

A legacy token goes into the header as it is. A personal access token is a JWT of type "refresh" that
must be exchanged for an access token, which lives five minutes. Which one it is shows in the key.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import httpx
from pydantic import SecretStr

from backend.errors import LabelStudioFailed, SettingsWrong
from backend.label_studio.failures import unreachable

RENEW_EARLY_S = 60.0
ASSUMED_LIFETIME_S = 300.0

MAKE_ONE = (
    "Create one in Label Studio under Account & Settings > Personal Access Token and put it into "
    "LABEL_STUDIO_API_KEY."
)


class LabelStudioAuth(httpx.Auth):
    """Sets the Authorization header on requests to one Label Studio; safe between threads.

    Attributes:
        personal: the key is a personal access token; otherwise it is a legacy token.
    """

    def __init__(
        self,
        base_url: httpx.URL,
        key: SecretStr,
        client: httpx.Client,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Find out which kind of key it is.

        Args:
            base_url: where Label Studio is; the header never leaves its scheme, host and port.
            key: a personal access token or a legacy token.
            client: sends the exchange.
            clock: seconds that only go up.

        Raises:
            SettingsWrong: the key cannot be either.
        """
        self._base_url = base_url
        self._key = key
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._access = ""
        self._renew_at = 0.0
        value = key.get_secret_value()
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise SettingsWrong(
                "LABEL_STUDIO_API_KEY is not a key of Label Studio: it must be one word in ASCII. " + MAKE_ONE
            )
        kind = _claims(value).get("token_type")
        if kind == "access":
            raise SettingsWrong(
                "LABEL_STUDIO_API_KEY is an access token, which dies after five minutes; twinread needs the "
                "personal access token that it came from. " + MAKE_ONE
            )
        self.personal = kind == "refresh"

    def same_origin(self, url: httpx.URL) -> bool:
        """Whether a URL has Label Studio's own scheme, host and port."""
        return _origin(url) == _origin(self._base_url)

    def header(self) -> str:
        """The value of the Authorization header, fit to be used now.

        Raises:
            LabelStudioFailed: the personal access token could not be exchanged.
        """
        if not self.personal:
            return f"Token {self._key.get_secret_value()}"
        with self._lock:
            if not self._access or self._clock() >= self._renew_at:
                self._exchange()
            return f"Bearer {self._access}"

    def renewed(self, refused: str) -> str:
        """Another header after Label Studio refused this one; the same where there is no other.

        Raises:
            LabelStudioFailed: the personal access token could not be exchanged.
        """
        if not self.personal:
            return refused
        with self._lock:
            if refused == f"Bearer {self._access}":  # else another thread was quicker
                self._exchange()
            return f"Bearer {self._access}"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header for Label Studio alone; ask once more, with a new access token, on a 401."""
        if not self.same_origin(request.url):
            yield request
            return
        header = self.header()
        request.headers["Authorization"] = header
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and self.personal:
            request.headers["Authorization"] = self.renewed(header)
            yield request

    def refusal(self, detail: str) -> str:
        """What to do about a 401 that came with these words."""
        if self.personal:
            return (
                f"Label Studio does not accept the personal access token ({detail}): it was revoked, or it "
                f"belongs to another Label Studio. {MAKE_ONE}"
            )
        if "legacy token authentication has been disabled" in detail:
            return (
                "LABEL_STUDIO_API_KEY is a legacy token, and this Label Studio has those switched off. Use a "
                f"personal access token instead: {MAKE_ONE} Or let an owner switch legacy tokens on under "
                "Organization > API Tokens Settings."
            )
        return (
            f"Label Studio does not accept the legacy token in LABEL_STUDIO_API_KEY ({detail}): it was "
            "reset, or it belongs to another Label Studio. Better use a personal access token: " + MAKE_ONE
        )

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown."""
        return tuple(filter(None, (self._key.get_secret_value(), self._access)))

    def _exchange(self) -> None:
        """Get a new access token; call with the lock held."""
        url = f"{str(self._base_url).rstrip('/')}/api/token/refresh/"
        try:
            answer = self._client.post(url, json={"refresh": self._key.get_secret_value()}, auth=httpx.Auth())
        except httpx.RequestError as error:
            raise unreachable(self._base_url, error) from error
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise LabelStudioFailed(self.refusal(f"{answer.status_code}"), status=answer.status_code)
        try:
            answer.raise_for_status()
            self._access = str(answer.json()["access"])
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
            raise LabelStudioFailed(
                f"Label Studio gave no access token for the personal one (HTTP {answer.status_code}). "
                "Is LABEL_STUDIO_URL the address of a Label Studio from 1.17 on?",
                status=answer.status_code,
                passing=answer.is_server_error,
            ) from error
        claims = _claims(self._access)
        try:
            # the difference, because the clock of that machine may be wrong
            lifetime = float(claims["exp"]) - float(claims["iat"])
        except (KeyError, TypeError, ValueError):
            lifetime = ASSUMED_LIFETIME_S
        self._renew_at = self._clock() + lifetime - min(RENEW_EARLY_S, lifetime / 2)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _claims(token: str) -> dict[str, Any]:
    """What a JWT says of itself, unverified; empty for anything that is not a JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
