"""What is sent to an ERNIE server: options, the body of a request, its headers, and their name."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from backend.readers.ernie.prompts import Prompt

RENDERING = 1
"""Part of every reader's identity; raise it when `prompts.lay_out` or `most_tokens` changes what is sent."""

_PICTURE = "the picture stands here"


@dataclass(frozen=True, slots=True)
class ErnieOptions:
    """An address and how it is called; seconds.

    base_url: OpenAI-compatible, without /chat/completions; docs/ernie-services.md has known ones.
    concurrency: calls in flight, over all readers of the server.
    timeout_s: longest silence of the server in one try of a call.
    page_timeout_s: longest time from the first call of a batch to its last answer.
    max_retries: how often a call that failed in passing is made again.
    max_answer_bytes: of an answer no more is read, unpacked.
    temperature, top_p: just above 0 each. vLLM refuses a top_p of 0; some versions of FastDeploy turn a
        temperature of 0 into 1. With these values each of them takes the likeliest token, always.
    disable_thinking: send `chat_template_kwargs.enable_thinking=false`, which some gateways refuse.
    extra_body: more fields for each request; they win over all others.
    image_format: a JPEG of this quality costs a quarter of a PNG's time and a third of its bytes.
    """

    base_url: str = field(repr=False)  # may hold a proxy's user and password
    model: str
    api_key: str | None = field(default=None, repr=False)
    concurrency: int = 64
    timeout_s: float = 60
    page_timeout_s: float = 300
    max_retries: int = 4
    max_answer_bytes: int = 1024**2
    temperature: float = 0.01
    top_p: float = 0.001
    disable_thinking: bool = True
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    image_format: Literal["png", "jpeg"] = "jpeg"
    jpeg_quality: int = 95

    @property
    def body(self) -> dict[str, Any]:
        """The fields that are the same in each request."""
        thinking = {"chat_template_kwargs": {"enable_thinking": False}} if self.disable_thinking else {}
        sampling = {"temperature": self.temperature, "top_p": self.top_p}
        return {"model": self.model, **sampling, **thinking, **self.extra_body}


def request_body(
    options: ErnieOptions,
    words: str,
    max_tokens: int,
    picture: bytes | None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """A chat completion with one message, as JSON; `more` are fields that change no reading."""
    content: object = words
    if picture is not None:
        # the picture first: the words differ between readings, and a prefix cache ends where they begin
        shown = {"type": "image_url", "image_url": {"url": _PICTURE}}
        content = [shown, {"type": "text", "text": words}]
    message = {"role": "user", "content": content}
    body = json.dumps({"messages": [message], "max_tokens": max_tokens, **more, **options.body}).encode()
    # a data URL needs no escapes, and an encoder would look at each of its letters to find that out
    return body if picture is None else body.replace(_PICTURE.encode(), picture, 1)


def address_and_headers(options: ErnieOptions) -> tuple[str, dict[str, str | None], tuple[str, ...]]:
    """How to get in.

    Returns:
        The address without credentials, the headers of each request (None: not this one), and what
        no sentence and no log may hold.
    """
    # the variables of OpenAI's own service must not leak to another one
    headers: dict[str, str | None] = {"OpenAI-Organization": None, "OpenAI-Project": None}
    headers["Content-Type"] = "application/json"
    # an answer is a few thousand bytes, and a packed one could unpack to any size
    headers["Accept-Encoding"] = "identity"
    address = urlsplit(options.base_url)
    user, password = unquote(address.username or ""), unquote(address.password or "")
    if not options.api_key:
        # a made-up key is worse than none; a proxy's user and password travel as a header, too,
        # because the transport refuses them in an address
        pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        headers["Authorization"] = f"Basic {pair}" if user else None
    path = address.path.rstrip("/").removesuffix("/chat/completions")
    bare = address._replace(netloc=address.netloc.rpartition("@")[2], path=path).geturl()
    return bare, headers, (options.api_key or "", password, options.base_url, bare)


def identity_of(options: ErnieOptions, prompt: Prompt) -> str:
    """Model, prompt, and a hash of all else that can change a reading."""
    layout = (RENDERING, prompt.line_height, prompt.border, prompt.grey)
    picture = (options.image_format, options.jpeg_quality if options.image_format == "jpeg" else None)
    facts = json.dumps([prompt.text, layout, picture, options.body], sort_keys=True, ensure_ascii=False)
    return f"{options.model}:{prompt.name}@{hashlib.sha256(facts.encode()).hexdigest()[:12]}"
