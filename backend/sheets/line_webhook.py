"""Has Label Studio tell the backend when somebody submits a sheet, so that pages are completed at once.

The line project has no ML backend of its own: there is nothing to predict on a sheet. Its webhook goes where
that of the page project goes. It is a hint: whatever gets lost, `twinread lines --collect` finds.
"""

from __future__ import annotations

from pydantic import SecretStr

from backend.errors import LabelStudioFailed
from backend.label_studio.client import LabelStudio

ACTIONS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED")
"""After these there may be other decisions."""


def hook_line_project(api: LabelStudio, pages: int, sheets: int, secret: SecretStr | None) -> list[str]:
    """Give the line project the webhook of its page project's backend; a second time changes nothing.

    Args:
        api: Label Studio.
        pages: the id of the page project.
        sheets: the id of the line project.
        secret: of webhooks, where this process knows it; else that of the page project's webhook is taken.

    Returns:
        A sentence for each thing that was changed, or that cannot be.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    backends = api.backends(pages)
    if not backends:
        return [
            f"No backend is connected to project {pages}, so answers wait for `twinread lines --project "
            f"{pages} --collect`."
        ]
    url = f"{str(backends[0]['url']).rstrip('/')}/webhook"
    headers = _headers(api, pages, url, secret)
    for hook in api.webhooks(sheets):
        if hook["url"] == url:
            if headers and hook["headers"] != headers:
                api.update_webhook(hook["id"], headers=headers)
                return ["Gave the webhook of the line project its secret."]
            return []
    try:
        api.add_webhook(sheets, url, ACTIONS, headers)
    except LabelStudioFailed as error:
        if not isinstance(error.facts.get("status"), int):
            raise
        # such as an address that Label Studio may not call: the sheets are as good without
        return [f"{error} So answers wait for `twinread lines --project {pages} --collect`."]
    return ["Answers go back to their pages as soon as a sheet is submitted."]


def _headers(api: LabelStudio, pages: int, url: str, secret: SecretStr | None) -> dict[str, str]:
    """What the backend lets a webhook in by; this process may have other settings than the backend."""
    if secret is not None:
        return {"X-Twinread-Secret": secret.get_secret_value()}
    known = (hook["headers"] for hook in api.webhooks(pages) if hook["url"] == url)
    return next((dict(headers) for headers in known if headers), {})
