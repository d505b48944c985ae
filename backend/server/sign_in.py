"""Who may call: user and password for what Label Studio asks, a secret for what nobody signs in to."""

from __future__ import annotations

import hmac

from flask import Request
from werkzeug.datastructures import Authorization

from backend.settings.settings import Settings


def credentials(request: Request) -> Authorization | None:
    """User and password that a request gives, or None; of a header that nobody can read, empty ones."""
    try:
        return request.authorization
    except ValueError:  # werkzeug's own, for letters that base64 has not
        return Authorization("basic", {"username": "", "password": ""})


def signed_in(request: Request, settings: Settings) -> bool:
    """Whether a request carries the user and password of the settings; True where none are set."""
    if settings.basic_auth_pass is None or settings.basic_auth_user is None:
        return True
    given = credentials(request)
    user = (given.username or "") if given else ""
    password = (given.password or "") if given else ""
    # both compared, in constant time: a wrong user must not answer faster than a wrong password
    right_user = _same(user, settings.basic_auth_user)
    right_password = _same(password, settings.basic_auth_pass.get_secret_value())
    return right_user and right_password


def knows_secret(request: Request, settings: Settings, secret: str = "") -> bool:
    """Whether a request may do what a webhook does: by the secret, by user and password, or open to all.

    Label Studio sends webhooks without credentials, but "Start training" with them.

    Args:
        request: may carry the secret in the header X-Twinread-Secret.
        settings: name the secret, user and password.
        secret: out of the path; empty where there is none.
    """
    wanted = settings.webhook_secret
    given = secret or request.headers.get("X-Twinread-Secret", "")
    by_secret = wanted is not None and _same(given, wanted.get_secret_value())
    by_password = settings.basic_auth_pass is not None and signed_in(request, settings)
    open_to_all = wanted is None and settings.basic_auth_pass is None
    return by_secret or by_password or open_to_all


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass")
    )
