"""Requests to one Label Studio with one key: plain requests, and those that Label Studio's SDK makes.

Both go through one httpx client, so that we decide about proxies, redirects, time limits and the key. By
default the SDK follows redirects with the key and repeats imports, although Label Studio appends what it is
sent twice. Here no redirect is followed, and only GET requests are repeated.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import httpx
from pydantic import SecretStr

from backend.errors import BadRequest, LabelStudioFailed, SettingsWrong
from backend.label_studio import failures
from backend.label_studio.auth import LabelStudioAuth

Json: TypeAlias = Any
"""What `json.loads` gives."""

Client = TypeVar("Client", bound="HttpClient")
Answer = TypeVar("Answer")

ATTEMPTS = 3


class HttpClient:
    """Requests to one Label Studio with one key; safe between threads. Close it, or use it in a `with` block.

    Attributes:
        base_url: where Label Studio is, without a slash at the end.
        url: the same, in parts.
        auth: adds the key to requests; `Sources` uses it for files.
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
            retry_wait_s: longest wait before the first repeat of what reads; it doubles.
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
                "or query."
            )
        self.url = url
        self.base_url = str(url).rstrip("/")
        self._retry_wait_s = retry_wait_s
        connect_s = min(timeout_s, 10)
        self._bulk = {"timeout": httpx.Timeout(bulk_timeout_s, connect=connect_s)}
        # No proxy of the environment: Label Studio and its backend call each other directly.
        self._client = _CheckedBodies(
            timeout=httpx.Timeout(timeout_s, connect=connect_s),
            trust_env=False,
            follow_redirects=False,
            verify=httpx.create_ssl_context(),
            transport=transport,
        )
        self.auth = LabelStudioAuth(url, api_key, self._client)
        # it replaces the Authorization header that the SDK sets
        self._client.auth = self.auth

    def __enter__(self: Client) -> Client:
        """Itself; closed when the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
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
        """Send one plain request.

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
            BadRequest: the body holds what JSON cannot.
            LabelStudioFailed: no answer, a refusal, or an answer that is not Label Studio's.
        """
        sent: dict[str, Any] = {"params": params, "json": body, "files": files}
        sent |= self._bulk if bulk else {}
        url = self.base_url + path
        return self._send(doing, lambda: self._client.request(method, url, **sent), reads=method == "GET")

    def _sdk_call(
        self, doing: str, gives: type[Answer], ask: Callable[[Any], Any], *, reads: bool = False
    ) -> Answer:
        """Send one request through the SDK.

        Args:
            doing: completes "Label Studio refused to ...".
            gives: the type of the answer's JSON; `object` where any will do, or none comes.
            ask: the call; its argument is the SDK.
            reads: it is a GET, which is repeated when it fails in passing.

        Returns:
            The answer's JSON as Label Studio sent it, not the SDK's model of it.

        Raises:
            LabelStudioFailed: no answer, a refusal, or an answer that is not Label Studio's.
        """
        from label_studio_sdk.core.api_error import ApiError
        from label_studio_sdk.core.parse_error import ParsingError

        def send() -> httpx.Response:
            try:
                answer: httpx.Response = ask(self._sdk).response
            except ApiError as error:
                # not the error itself, because its text holds headers
                to = {"Location": (error.headers or {}).get("location", "")}
                said = {"text" if isinstance(error.body, str) else "json": error.body}
                return httpx.Response(error.status_code or 500, headers=to, **said)
            except (ParsingError, TypeError, ValueError) as error:
                # the SDK raises all of them for JSON of another shape
                raise failures.not_label_studio(self.base_url) from error
            return answer

        answer = self._send(doing, send, reads=reads)
        if not isinstance(answer, gives):
            raise failures.not_label_studio(self.base_url)
        return answer

    @cached_property
    def _sdk(self) -> _Raw:
        """Label Studio's SDK, imported by the first call that uses it; fetching images never does."""
        from label_studio_sdk.base_client import LabelStudioBase

        # without the slash the SDK asks for access tokens outside of a path like /label-studio
        url = f"{self.base_url}/"
        return _Raw(
            LabelStudioBase(base_url=url, api_key="in auth", httpx_client=self._client, max_retries=0)
        )

    def _send(self, doing: str, send: Callable[[], httpx.Response], *, reads: bool) -> Json:
        """The JSON of an answer; a request that only reads is repeated when it fails in passing."""
        for attempt in range(ATTEMPTS - 1 if reads else 0):
            try:
                return self._json_of(doing, send)
            except LabelStudioFailed as error:
                if not error.facts.get("passing"):
                    raise
            time.sleep(random.uniform(0, self._retry_wait_s * 2**attempt))  # noqa: S311 - no secret
        return self._json_of(doing, send)

    def _json_of(self, doing: str, send: Callable[[], httpx.Response]) -> Json:
        try:
            answer = send()
        except httpx.RequestError as error:
            raise failures.unreachable(self.url, error) from error
        try:
            said = answer.json() if answer.content else None
        except ValueError as error:
            if answer.is_success:
                raise failures.not_label_studio(self.base_url) from error
            said = answer.text
        if answer.is_success:
            return said
        status = answer.status_code
        if answer.is_redirect:
            raise failures.moved(self.base_url, status, answer.headers.get("Location", ""))
        detail = failures.detail(said, status, self.auth.secrets())
        if status == httpx.codes.UNAUTHORIZED:
            raise LabelStudioFailed(self.auth.refusal(detail), status=status, detail=detail)
        raise failures.refused(doing, status, detail)


class _CheckedBodies(httpx.Client):
    """Refuses what JSON cannot hold, for plain requests and the SDK's alike; httpx raises anything for it."""

    def build_request(self, method: str, url: httpx.URL | str, **more: Any) -> httpx.Request:
        """A request, as httpx makes it.

        Raises:
            BadRequest: says where in the body is what JSON cannot hold.
        """
        try:
            return super().build_request(method, url, **more)
        except (TypeError, ValueError, RecursionError) as error:
            flaw = failures.json_flaw(more.get("json"))
            if not flaw:
                raise
            raise BadRequest(f"Nothing was sent to Label Studio: {flaw}") from error


class _Raw:
    """The SDK; each part of it in the form that returns the HTTP response with its own model of it."""

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk

    def __getattr__(self, part: str) -> Any:
        return getattr(self._sdk, part).with_raw_response
