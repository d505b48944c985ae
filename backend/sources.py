"""From the image reference in a task to the bytes of the image, whatever the reference says.

Label Studio's own files are asked for with our key; cloud objects through Label Studio, which holds the
credentials; any other http(s) address without a key and only where it leads to the open internet. The
key never leaves Label Studio's scheme, host and port, and nothing on this machine's disk is ever opened.

What is kept: an upload of Label Studio never changes, so it is kept until room is needed. Everything
else may change under the same address and is asked for again once `SourceLimits.keep_s` has passed.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpcore
import httpx

from backend.addresses import AddressForbidden, AllowedHosts, GuardedNetwork, Resolver, resolve
from backend.errors import BadImage, ImageRefused, ImageUnreachable, SettingsWrong
from backend.image_cache import ImageCache
from backend.label_studio_connection import LabelStudioConnection
from backend.references import (
    CLOUD_SCHEMES,
    LABEL_STUDIO_FILES,
    UPLOADS,
    climbs,
    forbidden,
    not_given,
    scheme_of,
    shown,
)

REDIRECTS = (301, 302, 303, 307, 308)
MIB = 1024**2

# httpcore writes the headers of answers at DEBUG: redirects to signed addresses, cookies.
logging.getLogger("httpcore").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """What one image may cost, and where it may come from.

    max_bytes: largest image file.
    connect_s, read_s: longest wait for a connection, and for the next bytes.
    total_s: longest whole download, redirects included.
    max_redirects: how many are followed.
    allowed_hosts: names, addresses or networks that may be asked although they are private.
    cache_bytes: size of the folder of fetched images; 0 keeps none.
    keep_s: how long an image that may change is used without asking again.
    """

    max_bytes: int = 100 * 1024**2
    connect_s: float = 5
    read_s: float = 15
    total_s: float = 30
    max_redirects: int = 5
    allowed_hosts: tuple[str, ...] = ()
    cache_bytes: int = 2 * 1024**3
    keep_s: float = 300


class Sources:
    """Fetches images of tasks; safe between threads."""

    def __init__(
        self,
        label_studio: LabelStudioConnection | None,
        limits: SourceLimits,
        *,
        cache_dir: Path | None = None,
        resolver: Resolver = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            label_studio: holds address and key; None where only plain http(s) addresses are wanted.
            limits: what one image may cost.
            cache_dir: folder for fetched images; None keeps none.
            resolver: gives a name's addresses.
            clock: seconds that only go up.
        """
        self._label_studio = label_studio
        self._limits = limits
        self._cache = ImageCache(cache_dir, limits.cache_bytes) if cache_dir else None
        self._resolver = resolver
        self._clock = clock
        own = []
        if label_studio is not None:
            own.append((label_studio.url.raw_host.decode("ascii"), _port(label_studio.url)))
        self._allowed = AllowedHosts.parse(limits.allowed_hosts, own)
        self._ssl = httpx.create_ssl_context()

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """The bytes of an image.

        Args:
            reference: as the task's data has it.
            task_id: the task; Label Studio needs it to resolve cloud storage.

        Returns:
            The file as it is, at least one byte, not decoded.

        Raises:
            ImageRefused: the reference may not be followed.
            BadImage: the file is too big, or empty.
            ImageUnreachable: its server did not give it.
            LabelStudioFailed: Label Studio refuses our key.
            SettingsWrong: the reference needs Label Studio, and no key is set.
        """
        url = self._locate(reference, task_id)
        lasting = self._is_upload(url)
        if self._cache is not None:
            kept = self._cache.get(str(url), max_age_s=None if lasting else self._limits.keep_s)
            if kept is not None:
                return kept
        content = self._download(url, shown(reference))
        if self._cache is not None:
            self._cache.put(str(url), content)
        return content

    def _locate(self, reference: str, task_id: int | None) -> httpx.URL:
        """The address to ask for a reference."""
        name = shown(reference)
        scheme = scheme_of(reference)
        try:
            if scheme in ("http", "https"):
                url = httpx.URL(reference)
            elif scheme in CLOUD_SCHEMES:
                url = self._resolving(reference, name, task_id)
            elif scheme is None and self._path_in_label_studio(reference):
                url = httpx.URL(self._base(name) + self._path_in_label_studio(reference))
            else:
                raise ImageRefused(forbidden(scheme, name), reference=name)
        except httpx.InvalidURL as error:
            raise ImageRefused(f"The image reference {name} is not an address.", reference=name) from error
        self._check(url, reference, name)
        return url

    def _check(self, url: httpx.URL, reference: str, name: str) -> None:
        """Refuse an address, of a task or of a redirect, by what it says alone."""
        if url.scheme not in ("http", "https") or not url.host:
            raise ImageRefused(forbidden(url.scheme, name), reference=name)
        if url.userinfo:
            raise ImageRefused(
                f"The image address {name} carries a user or password, which every reader of the task sees. "
                "Use cloud storage in Label Studio or a signed address.",
                reference=name,
            )
        if self._is_label_studio(url) and climbs(reference):
            raise ImageRefused(
                f"The image reference {name} leads out of its folder with '..', which is never followed.",
                reference=name,
            )

    def _resolving(self, reference: str, name: str, task_id: int | None) -> httpx.URL:
        if task_id is None:
            raise ImageRefused(
                f"The image {name} is in cloud storage, which Label Studio opens for one of its tasks, and "
                "this task has no id.",
                reference=name,
            )
        encoded = base64.urlsafe_b64encode(reference.encode()).decode()
        url = httpx.URL(f"{self._base(name)}/tasks/{task_id}/resolve/")
        return url.copy_merge_params({"fileuri": encoded})

    def _base(self, name: str) -> str:
        if self._label_studio is None:
            raise SettingsWrong(
                f"The image {name} is kept by Label Studio, and twinread has no key to it. "
                "Set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY.",
                reference=name,
            )
        return self._label_studio.base_url

    def _path_in_label_studio(self, path: str) -> str:
        """The part of a path that begins at Label Studio's root, when a file lies there; else nothing."""
        prefix = self._label_studio.url.path.rstrip("/") if self._label_studio else ""
        inner = path.removeprefix(prefix)
        return inner if LABEL_STUDIO_FILES.match(inner) else ""

    def _is_label_studio_file(self, url: httpx.URL) -> bool:
        """Whether to show our key: at Label Studio, and for a file, lest a task calls the API with it."""
        return self._is_label_studio(url) and bool(self._path_in_label_studio(url.path))

    def _is_label_studio(self, url: httpx.URL) -> bool:
        return self._label_studio is not None and self._label_studio.auth.same_origin(url)

    def _is_upload(self, url: httpx.URL) -> bool:
        return self._is_label_studio_file(url) and self._path_in_label_studio(url.path).startswith(UPLOADS)

    def _download(self, url: httpx.URL, name: str) -> bytes:
        limits = self._limits
        network = GuardedNetwork(self._allowed, self._clock() + limits.total_s, self._clock, self._resolver)
        try:
            for _ in range(limits.max_redirects + 1):
                answer = self._ask(url, network, name)
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
                f"The server of the image {name} did not give it ({str(error) or 'connection cut'}).",
                reference=name,
            ) from error
        raise ImageRefused(
            f"The image {name} redirects more than {limits.max_redirects} times.", reference=name
        )

    def _ask(self, url: httpx.URL, network: GuardedNetwork, name: str) -> bytes | httpx.URL:
        """Ask one address: the image, or where to ask instead."""
        if self._label_studio is None or not self._is_label_studio_file(url):
            return self._request(url, None, network, name)
        auth = self._label_studio.auth
        header = auth.header()
        try:
            return self._request(url, header, network, name)
        except ImageUnreachable as error:
            again = auth.renewed(header) if error.facts.get("status") == httpx.codes.UNAUTHORIZED else header
            if again == header:
                raise
            return self._request(url, again, network, name)

    def _request(
        self, url: httpx.URL, authorization: str | None, network: GuardedNetwork, name: str
    ) -> bytes | httpx.URL:
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path)
        # No compression: a small answer could unpack to any size.
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
                return self._redirected(url, fields["Location"], name)
            if answer.status != httpx.codes.OK:
                raise not_given(answer.status, name, ours=authorization is not None)
            if fields.get("Content-Type", "").startswith("text/html"):
                raise ImageUnreachable(
                    f"The server of the image {name} gave a web page instead, such as a login form.",
                    reference=name,
                )
            return self._content(answer, fields.get("Content-Length", ""), name)

    def _redirected(self, url: httpx.URL, location: str, name: str) -> httpx.URL:
        try:
            target = url.join(location)
        except httpx.InvalidURL as error:
            raise ImageRefused(
                f"The image {name} redirects to something that is not an address.", reference=name
            ) from error
        self._check(target, location, name)
        return target

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
        raise BadImage(
            f"The image file {name} is larger than {limit / MIB:.4g} MiB, the limit of MAX_IMAGE_BYTES.",
            reference=name,
            max_bytes=limit,
        )


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
