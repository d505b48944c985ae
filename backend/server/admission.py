"""What is refused by a request's headers alone: what a web page sends, and a body of a wrong kind or size.

Label Studio's server sends JSON with its content type and never an `Origin`; browsers send one with each
POST of a page, and with all that its scripts ask of another site. So no page that an annotator opens can
spend calls of ERNIE, or read images with the backend's key.
"""

from __future__ import annotations

from ipaddress import ip_address

from flask import Request, Response

from backend.server.refusals import refusal
from backend.server.sign_in import credentials, knows_secret, signed_in
from backend.settings.settings import Settings

PRIVATE_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
"""Ends of names that the internet's name servers never answer for, so that no foreign page can take them."""

SECRET_PATHS = {
    "webhook": "This webhook needs its secret: /webhook/SECRET or the header X-Twinread-Secret; 'Start "
    "training' needs BASIC_AUTH_USER and BASIC_AUTH_PASS.",
    "reload": "/reload needs the webhook's secret: /reload/SECRET or X-Twinread-Secret.",
}
"""Paths that a secret opens, too, and what is answered without it."""


def refused(request: Request, settings: Settings) -> Response | None:
    """Why a request goes no further, by its headers alone; None where it may.

    403 for a web page's request, 415 for a body that is not called JSON, 413 for one that is too long, 411
    for one whose length nobody has said.

    Args:
        request: any of them.
        settings: limits of bodies, and whether anybody has to sign in.
    """
    if "Origin" in request.headers:
        return refusal(403, "Web pages may not call twinread: only Label Studio's server and programs may.")
    open_to_all = settings.basic_auth is None and not settings.allow_no_password
    if open_to_all and not _is_our_name(request.headers.get("Host", "")):
        # a page whose own name was turned to this machine's address, which is how it could read answers
        return refusal(
            403,
            "Without BASIC_AUTH_USER and BASIC_AUTH_PASS twinread answers only to localhost, an IP address "
            "or a private name, not to the name in this request's Host header.",
        )
    has_secret = settings.webhook_secret is not None and _first_word(request.path) in SECRET_PATHS
    if open_to_all and _is_elsewhere(request.remote_addr) and request.path != "/health" and not has_secret:
        # `serve` does not open its port so, but under label-studio-ml another server has opened it
        return refusal(
            403,
            "Without BASIC_AUTH_USER and BASIC_AUTH_PASS twinread answers only to its own machine: whoever "
            "reaches the port could spend its calls and read its images. Set both, or ALLOW_NO_PASSWORD.",
        )
    length = request.content_length
    chunked = length is None and bool(request.headers.get("Transfer-Encoding"))
    if not length and not chunked:
        return None
    if request.method == "POST" and not request.is_json:
        return refusal(415, "The body must be JSON: send it with Content-Type: application/json.")
    if chunked and not request.environ.get("wsgi.input_terminated"):
        return refusal(411, "The body must say its length: send it with Content-Length.")
    if length is not None and length > (limit := largest_body(request.path, settings)):
        return too_large(request.path, limit)
    return None


def stranger(request: Request, settings: Settings) -> Response | None:
    """The refusal of somebody who may not ask for a path, by the request's headers alone; None for others.

    `/health` is open without credentials, for containers' health checks; wrong ones are told so at once.
    A body is for those alone who are known.

    Args:
        request: any of them.
        settings: name user, password and secret.
    """
    if request.path == "/health" and credentials(request) is None and not request.content_length:
        return None
    first = _first_word(request.path)
    if first in SECRET_PATHS:
        secret = request.path.lstrip("/").partition("/")[2]
        return None if knows_secret(request, settings, secret) else refusal(401, SECRET_PATHS[first])
    if signed_in(request, settings):
        return None
    response = refusal(401, "Sign in: give user and password in Label Studio's model connection.")
    response.headers["WWW-Authenticate"] = 'Basic realm="twinread"'
    return response


def largest_body(path: str, settings: Settings) -> int:
    """The limit of a body that is sent to a path, bytes."""
    long = path in ("/predict", "/setup")
    return settings.max_request_bytes if long else min(settings.max_webhook_bytes, settings.max_request_bytes)


def too_large(path: str, limit: int) -> Response:
    """The refusal of a body over its limit, with the setting that raises it."""
    setting = "MAX_REQUEST_BYTES" if path in ("/predict", "/setup") else "MAX_WEBHOOK_BYTES"
    return refusal(413, f"The body is over {limit} bytes. Send fewer tasks at once, or raise {setting}.")


def _first_word(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


def _is_elsewhere(address: str | None) -> bool:
    """Whether a request comes from another machine; a Unix socket has no address."""
    try:
        return not ip_address(address or "::1").is_loopback
    except ValueError:
        return False


def _is_our_name(host: str) -> bool:
    """Whether a Host header names this machine in a way that no foreign page can."""
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    name = name.strip("[]").rstrip(".").lower()
    try:
        ip_address(name)
    except ValueError:
        # a single word is a name of this network
        return "." not in name or name.endswith(PRIVATE_NAMES)
    return True
