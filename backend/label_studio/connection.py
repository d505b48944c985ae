"""Requests to one Label Studio with one key, and one sentence for every failure.

Over httpx, without the SDK. Only GET requests are repeated, because Label Studio appends predictions
and tasks instead of replacing them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

import httpx
from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from backend.errors import LabelStudioFailed, SettingsWrong
from backend.label_studio.auth import LabelStudioAuth, unreachable

Json: TypeAlias = Any
"""What `json.loads` gives."""

Connection = TypeVar("Connection", bound="LabelStudioConnection")

ATTEMPTS = 3
DETAIL_SHOWN = 400

UNBLOCK = (
    "Start Label Studio with USE_DEFAULT_BANNED_SUBNETS=false and "
    "USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16,0.0.0.0/8 and connect again. ML_BLOCK_LOCAL_IP=false "
    "alone is not enough: it saves a backend without its webhook."
)


class LabelStudioConnection:
    """One Label Studio, spoken to with one key; safe between threads. Close it, or use it in a `with` block.

    Attributes:
        base_url: where Label Studio is, without a slash at the end.
        url: the same, in parts.
        auth: proves who we are; `sources` uses it for files.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr,
        *,
        timeout_s: float = 30,
        bulk_timeout_s: float = 600,
        retry_wait_s: float = 0.3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            base_url: Label Studio's address as this machine reaches it.
            api_key: a personal access token or a legacy token.
            timeout_s: how long an ordinary call may be silent.
            bulk_timeout_s: the same for imports, uploads and predictions of many tasks.
            retry_wait_s: longest wait before the first repeat of a GET; it doubles.
            transport: carries requests instead of the network.

        Raises:
            SettingsWrong: the address or the key cannot be one.
        """
        try:
            url = httpx.URL(base_url.rstrip("/"))
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
            raise SettingsWrong(
                "LABEL_STUDIO_URL must be an address such as http://localhost:8080, without user, password "
                "or question mark."
            )
        self.base_url = str(url)
        self.url = url
        self._timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, 10))
        self._bulk_timeout = httpx.Timeout(bulk_timeout_s, connect=min(timeout_s, 10))
        # No proxy of the environment: Label Studio and its backend call each other directly.
        self._client = httpx.Client(
            timeout=self._timeout,
            trust_env=False,
            verify=httpx.create_ssl_context(),
            transport=transport,
        )
        self.auth = LabelStudioAuth(url, api_key, self._client)
        self._retrying = Retrying(
            retry=retry_if_exception(_passing),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=retry_wait_s, max=5),
            reraise=True,
        )

    def __enter__(self: Connection) -> Connection:
        """Itself; closed when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Json = None,
        files: Sequence[tuple[str, Any]] | None = None,
        bulk: bool = False,
    ) -> Json:
        """Send one request, for what has no method here.

        Args:
            method: the HTTP method; a GET is repeated when it fails in passing.
            path: from the root of Label Studio.
            doing: completes "Label Studio refused to ...".
            params: the query.
            body: sent as JSON.
            files: sent as multipart, as httpx takes them.
            bulk: it may take long.

        Returns:
            The answer's JSON; None when it is empty.

        Raises:
            LabelStudioFailed: no answer, a refusal, or an answer that is not Label Studio's.
        """

        def send() -> Json:
            try:
                answer = self._client.request(
                    method,
                    self.base_url + path,
                    params=params,
                    json=body,
                    files=files,
                    auth=self.auth,
                    timeout=self._bulk_timeout if bulk else self._timeout,
                )
            except httpx.RequestError as error:
                raise unreachable(self.url, error) from error
            return self._content(answer, doing)

        return self._retrying(send) if method == "GET" else send()

    def _content(self, answer: httpx.Response, doing: str) -> Json:
        if answer.is_redirect:
            target = answer.headers.get("Location", "").partition("?")[0]
            raise LabelStudioFailed(
                f"{self.base_url} answers with a redirect to {target}. Set LABEL_STUDIO_URL to the address "
                "that Label Studio really has.",
                status=answer.status_code,
            )
        if not answer.is_success:
            raise self._refused(answer, doing)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise self.not_label_studio() from error

    def not_label_studio(self) -> LabelStudioFailed:
        """The error for an answer that is not Label Studio's."""
        return LabelStudioFailed(
            f"{self.base_url} does not answer as Label Studio does. Is LABEL_STUDIO_URL right?"
        )

    def _refused(self, answer: httpx.Response, doing: str) -> LabelStudioFailed:
        status, detail = answer.status_code, _detail(answer)
        for secret in self.auth.secrets():
            detail = detail.replace(secret, "***")
        if status == httpx.codes.UNAUTHORIZED:
            return LabelStudioFailed(self.auth.refusal(detail), status=status, detail=detail)
        if "reserved network address" in detail:
            return LabelStudioFailed(
                f"Label Studio refused to {doing}: it blocks private addresses ({detail}). {UNBLOCK}",
                status=status,
                detail=detail,
                blocked=True,
            )
        hint = ""
        if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            hint = " It is not there, or the user of this key may not see it."
        return LabelStudioFailed(
            f"Label Studio refused to {doing} (HTTP {status}: {detail}).{hint}",
            status=status,
            detail=detail,
            passing=status in (502, 503, 504),
        )


def _passing(error: BaseException) -> bool:
    """The same again may work soon."""
    return isinstance(error, LabelStudioFailed) and error.facts.get("passing") is True


def _detail(answer: httpx.Response) -> str:
    """Label Studio's own words about a failure, on one line."""
    try:
        body = answer.json()
    except ValueError:
        return answer.reason_phrase or "no reason given"
    if isinstance(body, dict):
        body = body.get("validation_errors") or body.get("detail") or body
    words = "; ".join(_sentences(body))
    # the links that Label Studio writes, not a tag that the backend asks for in its own sentence
    words = " ".join(re.sub(r"</?(?:a|b|br|p)\b[^>]*>", "", words).split())
    return words[:DETAIL_SHOWN] or answer.reason_phrase or "no reason given"


def _sentences(body: Json) -> Iterator[str]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            words = ", ".join(_sentences(value))
            yield words if key == "non_field_errors" else f"{key}: {words}"
    elif isinstance(body, list):
        for value in body:
            yield from _sentences(value)
    else:
        yield str(body)
