"""What fills pages that people open: the backend, asked for each, or predictions that are stored."""

from __future__ import annotations

from backend.errors import LabelStudioFailed
from backend.label_studio.client import LabelStudio
from backend.pipeline.version import REREAD, is_model_version


def choose_predictions(
    api: LabelStudio, project: int, *, version: str = "", replace: bool = False
) -> list[str]:
    """Let Label Studio fill pages from stored predictions, so that it can when the backend is down, too.

    A project whose `model_version` names the backend asks it for each page that somebody opens, shows an
    empty page when it is down, and serves pages at random. A project whose `model_version` names stored
    predictions serves the most doubtful page first. The present version is chosen as soon as it has as many
    predictions as the version that is chosen now. Predictions that are not twinread's, and that
    somebody chose, stay chosen.

    Args:
        api: Label Studio.
        project: the id of the project.
        version: the present version; empty for that of the project's backend.
        replace: also where somebody chose predictions that are not twinread's.

    Returns:
        What was changed, as a sentence; empty where the right version is already chosen.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    chosen, best, is_theirs = _choice(api, project, version)
    if best is None or best == chosen or (is_theirs and not replace):
        return []
    try:
        api.update_project(project, model_version=best)
    except LabelStudioFailed as error:
        # somebody deleted the predictions between the two requests: then there is nothing to choose
        if error.facts.get("status") == 400:
            return []
        raise
    return [
        f"Chose the stored predictions '{best}' to fill pages: filled when the backend is down, too, "
        "and the most doubtful page comes first."
    ]


def kept_predictions(api: LabelStudio, project: int) -> list[str]:
    """What is said where somebody chose predictions that are not twinread's; empty elsewhere."""
    chosen, best, is_theirs = _choice(api, project)
    if not is_theirs or best is None or best == chosen:
        return []
    return [
        f"Kept '{chosen}' to fill pages; twinread would fill them from '{best}'. To have that, run this "
        "again with --update predictions."
    ]


def _choice(api: LabelStudio, project: int, version: str = "") -> tuple[str, str | None, bool]:
    """What fills pages now, what twinread would take, and whether a person chose what is now."""
    stored = api.model_versions(project)
    chosen = str(api.project(project)["model_version"] or "")
    # predictions of a re-read are for people to compare with, not to start from
    usable = {version: count for version, count in stored.items() if not version.startswith(REREAD)}
    is_theirs = chosen in usable and not is_model_version(chosen)
    present = version or _backend_version(api, project)
    reached = usable.get(present, 0)
    if reached and (is_theirs or reached >= usable.get(chosen, 0)):
        return chosen, present, is_theirs
    return chosen, chosen if chosen in usable else next(iter(usable), None), is_theirs


def _backend_version(api: LabelStudio, project: int) -> str:
    backends = api.backends(project)
    return str(backends[0].get("model_version") or "") if backends else ""
