"""What an OpenAI-like server answered: the reading in it, or one sentence why there is none.

Gateways agree on little but the address: error bodies are OpenAI's, FastAPI's `{"detail": ...}`,
HTML or nothing; the end of an answer has a dozen names, and thoughts have as many fields. Sentences name
the setting to change and hold no key, no address and no picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from backend.readers.ernie.request import ErnieOptions
from backend.text.model_answers import without_thoughts

LONGEST_QUOTE = 200
"""Characters of a server's own words that a sentence carries."""

LONGEST_TEXT = 2000
"""Characters of a reading; `most_tokens` asks for a few hundred at most. What judges two texts of this length
takes less than a quarter of a second, and of ten times the length up to half a minute."""

_LONGEST_LOOKED_AT = 10_000
"""Characters of a server's own words that are searched for something to quote."""

_PICTURE = re.compile(r"data:[\w/+.-]*;base64,[\w+/=]*|[\w+/=]{120,}")
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|h1|p|title)\b", re.IGNORECASE)
_STREAM = re.compile(r"\s*(?:event|id|retry|data|):.*?(?:\n|\Z)(?s:.*)")
_WHOLE = {
    "",
    "stop",
    "normal",
    "eos",
    "eos_token",
    "end_turn",
    "stop_sequence",
    "stop_token",
    "end",
    "completed",
}
"""Names for the end of a whole answer, in lower case; OpenAI's is `stop`."""
_CUT = {"length", "max_tokens", "max_length", "model_length", "token_limit", "recover_stop"}
"""Names for an answer that was cut off; OpenAI's is `length`, FastDeploy has `recover_stop`, too."""
_PASSING = {"error", "abort", "aborted", "cancelled", "timeout", "insufficient_system_resource"}
"""Names for an answer that the server gave up on."""
_THOUGHTS = re.compile(r"reason|think|thought", re.IGNORECASE)
"""In the name of a field, or the type of a part: what stands there are thoughts."""
_WORDS = {"text", "output_text", ""}
"""Types of the parts that are the answer itself."""
_WRONG_FIELD = {
    "chat_template_kwargs": "Set ERNIE_DISABLE_THINKING=false.",
    "enable_thinking": "Set ERNIE_DISABLE_THINKING=false.",
    "temperature": "Set ERNIE_TEMPERATURE to a value it takes.",
    "top_p": "Set ERNIE_TOP_P to a value it takes.",
}
_UNKNOWN_FIELD = re.compile(
    r"unknown|unrecogni[sz]ed|unexpected|unsupported|extra (?:inputs|fields)|not permitted"
)
_MODEL = re.compile(
    r"\bmodel\b.{0,120}(?:n[o']t (?:exist|found|available|served)|not have access|is (?:invalid|unknown))"
    r"|(?:invalid|unknown|unsupported|no such|not a valid|wrong)[ _]model|model_not_found"
)
_BLIND = re.compile(
    r"image_url\b.{0,80}(?:support|expected|unknown)|unknown variant|not a multimodal"
    r"|support(?:s|ing)? (?:image|vision|multi)(?!\w* (?:format|type))"
)
_FORMAT = re.compile(
    r"(?:image|picture|media|mime|file)\b.{0,60}\b(?:format|type|decode|identify|jpe?g|png)\b"
    r"|(?:format|type|decode|identify|jpe?g|png)\b.{0,60}\b(?:image|picture|media|mime)\b"
)
THINKING_CLOSED = {"chat_template_kwargs": {"options": {"thinking_mode": "close"}}}
"""What ends the thoughts of ERNIE-4.5-VL-28B-A3B-Thinking, which does not know `enable_thinking`."""
ADDRESSES = (
    "ERNIE_BASE_URL is what stands before /chat/completions: it ends in /v1 for vLLM and FastDeploy, /v2 for "
    "Qianfan, /llm/lmapi/v3 for AI Studio"
)
"""Where the addresses of known services end; docs/ernie-services.md has them whole."""


class AnswerUnusable(Exception):
    """There is no reading in an answer, or no answer; str() is one sentence.

    retryable: asking again later, or with another setting, may give one; the picture is not at fault.
    lasting: with another setting only, such as another key.
    paid: False where the server made no answer; None where it may have, and nobody knows.
    """

    def __init__(
        self, sentence: str, *, retryable: bool, paid: bool | None = False, lasting: bool = False
    ) -> None:
        super().__init__(sentence)
        self.retryable = retryable
        self.lasting = lasting
        self.paid = paid


def text_of(raw: str, options: ErnieOptions, secrets: Sequence[str] = ()) -> str:
    """Find the reading in the body of a chat completion.

    Thoughts are never taken for one, wherever they stand: in a field or a part of their own, or before the
    answer. Whoever thinks and answers nothing has not said "no text".

    Args:
        raw: the body.
        options: how the server was asked; they decide what mends thinking.
        secrets: what no sentence may hold.

    Raises:
        AnswerUnusable: the body is no chat completion, or the reading is not whole.
    """
    choice, body = _choice(raw, secrets)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise _nothing_in(raw, secrets)
    content = _joined(message.get("content"))
    said = None if content is None else without_thoughts(content)
    thought = said != content or _has_thoughts(message) or _thought_tokens(body) > 0
    end = str(choice.get("finish_reason") or "").strip().lower().removeprefix("finishreason.")
    cut = end in _CUT
    if (thought and (cut or not (said or "").strip())) or (cut and _always_thinks(options)):
        raise AnswerUnusable(
            "ERNIE answered with thoughts but no whole reading; thinking must be off. "
            f"{_no_thoughts(options)}",
            retryable=True,
        )
    if cut:
        raise AnswerUnusable(
            f"ERNIE's reading was cut off (finish_reason {end}), so it is not whole.", retryable=False
        )
    if end not in _WHOLE:
        why = quote(str(choice["finish_reason"]), secrets)
        raise AnswerUnusable(
            f"ERNIE did not finish its reading (finish_reason {why}).", retryable=end in _PASSING
        )
    if message.get("refusal"):
        why = quote(str(message["refusal"]), secrets).rstrip(".")
        raise AnswerUnusable(f"ERNIE refused to read this line: {why}.", retryable=False)
    if said is None:
        kind = type(message.get("content")).__name__
        raise AnswerUnusable(
            f"ERNIE's server answered without a text (content is {kind}); its log says why.", retryable=True
        )
    if len(said) > LONGEST_TEXT:
        raise AnswerUnusable(
            f"ERNIE answered with {len(said):,} characters for one line, which no line has; up to "
            f"{LONGEST_TEXT:,} are taken.",
            retryable=False,
        )
    return said


def nested_too_deeply() -> AnswerUnusable:
    """What an answer is whose lists hold lists without end."""
    return AnswerUnusable("ERNIE's server answered with JSON that is nested too deeply.", retryable=True)


def _choice(raw: str, secrets: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first choice of a chat completion, and the whole of it."""
    try:
        body = json.loads(raw)
    except ValueError:
        if _STREAM.fullmatch(raw):
            raise AnswerUnusable(
                'ERNIE\'s server answered with a stream of events, which is not read here; take "stream" out '
                "of ERNIE_EXTRA_BODY, or send it as false there.",
                retryable=True,
            ) from None
        raise AnswerUnusable(
            f"ERNIE's server answered with something that is not JSON ({quote(raw, secrets)}). "
            f"Check the address: {ADDRESSES}.",
            retryable=True,
        ) from None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        raise _nothing_in(raw, secrets)
    # OpenRouter reports a model's failure with status 200, beside an empty text
    failure = _message(choices[0].get("error")) or _message(body.get("error"))
    if failure:
        raise _nothing_in(failure, secrets)
    return choices[0], body


def _nothing_in(raw: str, secrets: Sequence[str]) -> AnswerUnusable:
    return AnswerUnusable(
        f"ERNIE's server answered without a reading ({quote(_words(raw), secrets)}).", retryable=True
    )


def _joined(content: object) -> str | None:
    """The text of an answer that is a text or parts of one; None where it is neither."""
    if isinstance(content, str):
        return content
    texts = []
    for part in [content] if isinstance(content, dict) else content if isinstance(content, list) else [None]:
        text = part.get("text") if isinstance(part, dict) else part
        kind = str(part.get("type") or "") if isinstance(part, dict) else ""
        if _THOUGHTS.search(kind):
            continue
        if kind not in _WORDS or not isinstance(text, str):
            return None
        texts.append(text)
    return "".join(texts)


def _has_thoughts(message: dict[str, Any]) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    return any(value and _THOUGHTS.search(name) for name, value in message.items()) or any(
        isinstance(part, dict) and _THOUGHTS.search(str(part.get("type") or "")) for part in parts
    )


def _thought_tokens(body: dict[str, Any]) -> int:
    usage = body.get("usage")
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    tokens = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return tokens if isinstance(tokens, int) else 0


def _always_thinks(options: ErnieOptions) -> bool:
    """Whether the model's name says that it thinks, and nothing was sent that ends it."""
    return "thinking" in options.model.lower() and "thinking_mode" not in json.dumps(options.body)


def _no_thoughts(options: ErnieOptions) -> str:
    """What turns thinking off for this model, asked as it was."""
    if _always_thinks(options):
        return f"Set ERNIE_EXTRA_BODY='{json.dumps(THINKING_CLOSED)}'."
    if "thinking" in options.model.lower():
        return "Serve it with FastDeploy's --reasoning-parser=ernie-45-vl-thinking, or take another model."
    if not options.disable_thinking:
        return "Set ERNIE_DISABLE_THINKING=true."
    return (
        "Its server does not heed chat_template_kwargs.enable_thinking=false: send the switch that it knows "
        "with ERNIE_EXTRA_BODY."
    )


def refused(status: int, raw: str, options: ErnieOptions, secrets: Sequence[str] = ()) -> AnswerUnusable:
    """Say in one sentence that a server answered with an error, and which setting to change.

    Args:
        status: the HTTP status.
        raw: the body, of whatever shape.
        options: how the server was asked.
        secrets: what no sentence may hold.
    """
    said = quote(_words(raw), secrets).rstrip(".")
    advice, again = _what_to_do(status, said, options)
    return AnswerUnusable(
        f"ERNIE's server answered {status}: {said}. {advice}", retryable=again, lasting=status in (401, 403)
    )


def quote(raw: str, secrets: Sequence[str] = ()) -> str:
    """A server's own words, short and safe to show: no markup, no pictures, no secrets."""
    # before it is cut, so that no half of a secret is left over
    for secret in filter(None, secrets):
        raw = raw.replace(secret, "[hidden]")
    raw = raw[:_LONGEST_LOOKED_AT]
    # striptags only takes away; the text is never shown as markup
    text = Markup(raw.replace("<", " <")).striptags() if _MARKUP.search(raw) else raw  # noqa: S704
    for secret in filter(None, secrets):
        text = text.replace(secret, "[hidden]")
    text = _PICTURE.sub("[picture]", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not text:
        return "an empty body"
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rstrip() + "…"


def _what_to_do(status: int, said: str, options: ErnieOptions) -> tuple[str, bool]:
    """The advice for a status, and whether asking again makes sense then."""
    lower = said.lower()
    if 400 <= status < 500 and (advice := _wrong_in_request(status, lower, options)):
        return advice, True
    if status in (400, 422):
        return "Its log says why; ERNIE_MODEL must be a model that sees pictures.", False
    if status in (401, 403):
        return "Check ERNIE_API_KEY.", True
    if status == 404:
        return f"Check ERNIE_MODEL and the address: {ADDRESSES}.", True
    if status == 413:
        smaller = "set ERNIE_IMAGE_FORMAT=jpeg, or " if options.image_format != "jpeg" else ""
        return f"The picture is too large for it: {smaller}raise its limit.", False
    if status == 429:
        return "Lower ERNIE_CONCURRENCY.", True
    if 300 <= status < 400:
        return "It sends callers elsewhere: set ERNIE_BASE_URL to the final address.", True
    return "Its log says why.", status in (408, 409) or status >= 500


def _wrong_in_request(status: int, lower: str, options: ErnieOptions) -> str:
    """Which setting the server's own words blame, and what to set; empty where they name none."""
    if status in (400, 422):
        for name in options.extra_body:
            if name.lower() in lower:
                return f"Take {name} out of ERNIE_EXTRA_BODY."
        for name, advice in _WRONG_FIELD.items():
            if name in lower:
                return advice
    if _BLIND.search(lower):
        return "ERNIE_MODEL must be a model that sees pictures."
    if _MODEL.search(lower):
        return "Set ERNIE_MODEL to a name that it serves; its /models lists them."
    if status == 415 or (status in (400, 422) and _FORMAT.search(lower)):
        other = "png" if options.image_format == "jpeg" else "jpeg"
        return f"If it is the picture's format that it refuses, set ERNIE_IMAGE_FORMAT={other}."
    if status in (400, 422) and _UNKNOWN_FIELD.search(lower):
        return "If it does not know chat_template_kwargs, set ERNIE_DISABLE_THINKING=false."
    return ""


def _words(raw: str) -> str:
    """The message in an error body, whatever its shape."""
    try:
        body = json.loads(raw)
    except ValueError:
        return raw
    return _message(body) or raw


def _message(body: object) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, map(_message, body)))
    if not isinstance(body, dict):
        return ""
    for name in ("error", "message", "detail", "msg", "error_msg"):
        if text := _message(body.get(name)):
            # FastAPI says which field is wrong beside what is wrong with it
            where = ".".join(str(part) for part in body["loc"]) if isinstance(body.get("loc"), list) else ""
            return f"{where}: {text}" if where else text
    return ""
