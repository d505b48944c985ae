"""Fetches the image that a task refers to, from Label Studio, a cloud storage or the web.

Label Studio's own files are fetched with our key. Objects in a cloud storage are fetched through Label
Studio, which has the credentials. Any other http(s) address is fetched without a key, and only from the
public internet. An image that is written into the task itself (`data:`) needs no network. The key is sent to
Label Studio's scheme, host and port alone, and no file of this machine is ever opened.

The cache: an upload in Label Studio never changes, so it is kept until the cache is full. Every other image
may change under the same address, and is fetched again after `SourceLimits.keep_s`.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from backend.errors import ImageRefused, SettingsWrong, TwinreadError
from backend.fetching.addresses import AllowedHosts, Resolver, resolve
from backend.fetching.cache import ImageCache
from backend.fetching.downloads import Downloader, FetchPolicy, SourceLimits, port_of
from backend.fetching.references import (
    CLOUD_SCHEMES,
    LABEL_STUDIO_FILES,
    UPLOADS,
    cleaned,
    inline_image,
    leaves_folder,
    path_in_label_studio,
    redacted,
    refusal,
    scheme_of,
)
from backend.label_studio.auth import LabelStudioAuth
from backend.label_studio.client import LabelStudio

if TYPE_CHECKING:
    from backend.settings.settings import Settings

__all__ = ["SourceLimits", "Sources"]

INLINE = "data:"
"""Stands for the host of an image that is written into its task."""


class Sources:
    """Fetches images of tasks; safe between threads."""

    def __init__(
        self,
        label_studio: LabelStudio | None,
        limits: SourceLimits,
        *,
        cache_dir: Path | None = None,
        resolver: Resolver = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            label_studio: holds address and key; None where only public http(s) addresses are needed.
            limits: of time, size and hosts.
            cache_dir: folder for fetched images; None keeps none.
            resolver: gives a name's addresses.
            clock: a monotonic clock, seconds.
        """
        self._label_studio = label_studio
        self._limits = limits
        self._cache = ImageCache(cache_dir, limits.cache_bytes) if cache_dir else None
        endpoints = []
        if label_studio is not None:
            endpoints.append((label_studio.url.raw_host.decode("ascii"), port_of(label_studio.url)))
        allowed = AllowedHosts.parse(limits.allowed_hosts, endpoints)
        self._downloader = Downloader(limits, allowed, resolver=resolver, clock=clock)

    @classmethod
    def of(cls, settings: Settings, label_studio: LabelStudio | None) -> Sources:
        """Make sources with the limits and the cache of the settings; `label_studio` as for the class."""
        limits = SourceLimits(
            max_bytes=settings.max_image_bytes,
            total_s=settings.image_timeout_s,
            allowed_hosts=settings.allowed_image_hosts,
            cache_bytes=settings.image_cache_bytes,
        )
        return cls(label_studio, limits, cache_dir=settings.cache_dir / "images")

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """The bytes of an image.

        Args:
            reference: as in the task's data.
            task_id: the task's id, which Label Studio needs to resolve cloud storage; None without one.

        Returns:
            The whole file, at least one byte, not decoded.

        Raises:
            ImageRefused: the reference may not be followed.
            BadImage: the file is too big, or empty.
            ImageUnreachable: its server did not send it.
            LabelStudioFailed: Label Studio refuses our key.
            SettingsWrong: the reference needs Label Studio, and no key is set.
        """
        inline = inline_image(reference, self._limits.max_bytes)
        if inline is not None:
            return inline
        reference = cleaned(reference)
        url = self._locate(reference, task_id)
        if self._cache is not None:
            cached = self._cache.get(str(url), max_age_s=self._max_age_s(url))
            if cached is not None:
                return cached
        name = redacted(reference)
        policy = FetchPolicy(lambda target, words: self._check(target, words, name), self._auth)
        content = self._downloader.get(url, name, policy)
        if self._cache is not None:
            self._cache.put(str(url), content)
        return content

    def at_hand(self, reference: str, *, task_id: int | None) -> bool:
        """Whether `fetch` needs no server for an image, as far as one can see; arguments as there."""
        if scheme_of(cleaned(reference)) == "data":
            return True
        if self._cache is None:
            return False
        try:
            url = self._locate(cleaned(reference), task_id)
        except TwinreadError:
            # it will be refused without asking anybody
            return True
        return self._cache.has(str(url), max_age_s=self._max_age_s(url))

    def host(self, reference: str) -> str:
        """Who is asked for an image; empty for Label Studio, which also opens cloud storage.

        Args:
            reference: as in the task's data.
        """
        reference = cleaned(reference)
        scheme = scheme_of(reference)
        if scheme == "data":
            return INLINE
        if scheme not in ("http", "https"):
            return ""
        try:
            url = httpx.URL(reference)
            return "" if self._is_label_studio(url) else url.host
        # as in `_locate`: what is no address is refused there
        except (httpx.InvalidURL, UnicodeError):
            return ""

    def _locate(self, reference: str, task_id: int | None) -> httpx.URL:
        """The address to ask for a reference."""
        name = redacted(reference)
        scheme = scheme_of(reference)
        try:
            if scheme in ("http", "https"):
                url = self._own_file(httpx.URL(reference))
            elif scheme in CLOUD_SCHEMES:
                url = self._cloud_url(reference, name, task_id)
            elif scheme is None and path_in_label_studio(reference):
                url = httpx.URL(self._base(name) + path_in_label_studio(reference))
            else:
                raise ImageRefused(refusal(scheme, name), reference=name)
            self._check(url, reference, name)
        # a lone half of a surrogate pair, which JSON can hold, and "xn--" raise UnicodeError
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ImageRefused(f"The image reference {name} is not an address.", reference=name) from error
        return url

    def _own_file(self, url: httpx.URL) -> httpx.URL:
        """The address of a file of Label Studio with single slashes; any other as it is.

        An address of Label Studio that ends in a slash makes `http://host//data/upload/...` of its uploads.
        """
        path, query = url.raw_path.partition(b"?")[::2]
        single = url.copy_with(raw_path=re.sub(rb"/{2,}", b"/", path) + (b"?" + query if query else b""))
        return single if self._is_label_studio_file(single) else url

    def _check(self, url: httpx.URL, reference: str, name: str) -> None:
        """Refuse the address of a task or of a redirect, by its text alone."""
        if url.scheme not in ("http", "https") or not url.host:
            raise ImageRefused(refusal(url.scheme, name), reference=name)
        if url.userinfo:
            raise ImageRefused(
                f"The image address {name} carries a user or password, which every reader of the task sees. "
                "Use cloud storage in Label Studio or a signed address.",
                reference=name,
            )
        if self._is_label_studio(url) and leaves_folder(reference):
            raise ImageRefused(
                f"The image reference {name} leads out of its folder with '..', which is never followed.",
                reference=name,
            )

    def _cloud_url(self, reference: str, name: str, task_id: int | None) -> httpx.URL:
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
        """The part of a path behind Label Studio's own prefix, where it serves files; else empty."""
        prefix = self._label_studio.url.path.rstrip("/") if self._label_studio else ""
        inner = path.removeprefix(prefix)
        return inner if LABEL_STUDIO_FILES.match(inner) else ""

    def _auth(self, url: httpx.URL) -> LabelStudioAuth | None:
        """Our key, for files of Label Studio alone: otherwise a task could call its API with our key."""
        if self._label_studio is None or not self._is_label_studio_file(url):
            return None
        return self._label_studio.auth

    def _is_label_studio_file(self, url: httpx.URL) -> bool:
        return self._is_label_studio(url) and bool(self._path_in_label_studio(url.path))

    def _is_label_studio(self, url: httpx.URL) -> bool:
        return self._label_studio is not None and self._label_studio.auth.same_origin(url)

    def _max_age_s(self, url: httpx.URL) -> float | None:
        """How old a kept file may be: an upload in Label Studio never changes."""
        return None if self._is_upload(url) else self._limits.keep_s

    def _is_upload(self, url: httpx.URL) -> bool:
        return self._is_label_studio_file(url) and self._path_in_label_studio(url.path).startswith(UPLOADS)
