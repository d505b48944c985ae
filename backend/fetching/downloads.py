"""Downloads one image file with limits of time and size, and checks every redirect.

It uses httpcore directly, so that it connects to the very address that was checked (see
`backend.fetching.addresses`). One time limit covers all redirects together.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpcore
import httpx

from backend.errors import BadImage, ImageRefused, ImageUnreachable
from backend.fetching.addresses import AddressForbidden, AllowedHosts, GuardedNetwork, Resolver, resolve
from backend.fetching.references import no_image_error, too_large_error
from backend.label_studio.auth import LabelStudioAuth

REDIRECTS = (301, 302, 303, 307, 308)

# at DEBUG httpcore logs the headers of answers: redirects to signed addresses, cookies
logging.getLogger("httpcore").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """Limits on one image's size and time, and on where it may come from.

    max_bytes: largest image file, bytes.
    connect_s, read_s: longest wait for a connection, and for the next bytes, seconds.
    total_s: longest whole download, redirects included, seconds.
    max_redirects: how many are followed.
    allowed_hosts: private names, addresses or networks that may be asked.
    cache_bytes: size limit of the folder of fetched images, bytes; 0 keeps none.
    keep_s: how long a fetched image that may change is used without asking again, seconds.
    """

    max_bytes: int = 100 * 1024**2
    connect_s: float = 5
    read_s: float = 15
    total_s: float = 30
    max_redirects: int = 5
    allowed_hosts: tuple[str, ...] = ()
    cache_bytes: int = 2 * 1024**3
    keep_s: float = 300


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """Decides which addresses may be asked for one image, and which of them get our key.

    check: called with the target of a redirect and the `Location` header; raises `ImageRefused`.
    auth: the credentials for an address; None where its server must not get any.
    """

    check: Callable[[httpx.URL, str], None]
    auth: Callable[[httpx.URL], LabelStudioAuth | None]


class Downloader:
    """Downloads image files over http(s); safe between threads."""

    def __init__(
        self,
        limits: SourceLimits,
        allowed: AllowedHosts,
        *,
        resolver: Resolver = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            limits: of time and size.
            allowed: the exceptions to "public addresses only".
            resolver: gives a name's addresses.
            clock: a monotonic clock, seconds.
        """
        self._limits = limits
        self._allowed = allowed
        self._resolver = resolver
        self._clock = clock
        self._ssl = httpx.create_ssl_context()

    def get(self, url: httpx.URL, name: str, policy: FetchPolicy) -> bytes:
        """The file behind an address.

        Args:
            url: http(s), already checked.
            name: the image's name in messages.
            policy: checks redirects, and says which server may get our key.

        Returns:
            At least one byte, not decoded.

        Raises:
            ImageRefused: it is on a private address, or a redirect may not be followed.
            BadImage: the file is too big, or empty.
            ImageUnreachable: its server did not send it.
            LabelStudioFailed: Label Studio refuses our key.
        """
        limits = self._limits
        network = GuardedNetwork(self._allowed, self._clock() + limits.total_s, self._clock, self._resolver)
        try:
            for _ in range(limits.max_redirects + 1):
                answer = self._ask(url, network, name, policy)
                if isinstance(answer, bytes):
                    return answer
                url = answer
        except AddressForbidden as error:
            raise ImageRefused(
                f"The image {name} is on {error}, which has a private address; those are not followed. "
                "If you trust that host, add it to ALLOWED_IMAGE_HOSTS.",
                reference=name,
                host=str(error),
            ) from error
        except httpcore.TimeoutException as error:
            raise ImageUnreachable(
                f"The server of the image {name} was too slow: it may be silent for {limits.read_s:g} s and "
                f"take {limits.total_s:g} s in all.",
                reference=name,
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise ImageUnreachable(
                f"The server of the image {name} did not give it ({_cause(error)}).", reference=name
            ) from error
        raise ImageRefused(
            f"The image {name} redirects more than {limits.max_redirects} times.", reference=name
        )

    def _ask(
        self, url: httpx.URL, network: GuardedNetwork, name: str, policy: FetchPolicy
    ) -> bytes | httpx.URL:
        """Ask one address: the image, or where to ask instead."""
        auth = policy.auth(url)
        if auth is None:
            return self._request(url, None, network, name, policy)
        header = auth.header()
        try:
            return self._request(url, header, network, name, policy)
        except ImageUnreachable as error:
            renewed = (
                auth.renewed(header) if error.facts.get("status") == httpx.codes.UNAUTHORIZED else header
            )
            if renewed == header:
                raise
            return self._request(url, renewed, network, name, policy)

    def _request(
        self,
        url: httpx.URL,
        authorization: str | None,
        network: GuardedNetwork,
        name: str,
        policy: FetchPolicy,
    ) -> bytes | httpx.URL:
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=port_of(url), target=url.raw_path
        )
        # no compression: a small answer could unpack to any size
        headers = [
            ("Host", url.netloc.decode("ascii")),
            ("Accept", "image/*,*/*;q=0.1"),
            ("Accept-Encoding", "identity"),
            *([("Authorization", authorization)] if authorization else []),
        ]
        timeouts = {
            "connect": self._limits.connect_s,
            "read": self._limits.read_s,
            "write": self._limits.read_s,
        }
        with (
            httpcore.ConnectionPool(self._ssl, max_connections=1, network_backend=network) as pool,
            pool.stream("GET", target, headers=headers, extensions={"timeout": timeouts}) as answer,
        ):
            fields = httpx.Headers(answer.headers)
            if answer.status in REDIRECTS and "Location" in fields:
                return _redirected(url, fields["Location"], name, policy)
            if answer.status != httpx.codes.OK:
                raise no_image_error(answer.status, name, ours=authorization is not None)
            if fields.get("Content-Type", "").startswith("text/html"):
                raise ImageUnreachable(
                    f"The server of the image {name} gave a web page instead, such as a login form.",
                    reference=name,
                )
            return self._content(answer, fields.get("Content-Length", ""), name)

    def _content(self, answer: httpcore.Response, length: str, name: str) -> bytes:
        limit = self._limits.max_bytes
        received = bytearray()
        if not length.isdigit() or int(length) <= limit:
            for chunk in answer.iter_stream():
                received += chunk
                if len(received) > limit:
                    break
            else:
                if received:
                    return bytes(received)
                raise BadImage(f"The image file {name} is empty.", reference=name)
        raise too_large_error(name, limit)


def port_of(url: httpx.URL) -> int:
    """The port that an http(s) address means."""
    return url.port or (443 if url.scheme == "https" else 80)


def _cause(error: httpcore.NetworkError | httpcore.ProtocolError) -> str:
    """Why a server gave nothing, without its own words: a header line may be a cookie or a signed address."""
    if isinstance(error, httpcore.ProtocolError):
        return "it cut the connection, or sent what is not HTTP"
    return str(error) or "connection cut"


def _redirected(url: httpx.URL, location: str, name: str, policy: FetchPolicy) -> httpx.URL:
    try:
        target = url.join(location)
        policy.check(target, location)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ImageRefused(
            f"The image {name} redirects to something that is not an address.", reference=name
        ) from error
    return target
