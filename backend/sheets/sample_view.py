"""Shows the sample of pages as a tab of its own in the page project's Data Manager.

The tab names its pages one by one. Label Studio's server knows a filter for a list of ids, and its Data
Manager does not: with such a tab it stops before anything is shown, for everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from backend.label_studio.client import LabelStudio
from backend.label_studio.message_language import MessageLanguage

TITLES: Mapping[MessageLanguage, str] = {
    "en": "Sample: look at the whole page",
    "ru": "Выборка: смотреть всю страницу",
}

MOST = 100
"""Pages in the tab, each with a filter of its own; SQLite takes no more than a thousand of them."""


def show_sample(api: LabelStudio, project: int, waiting: Collection[int], messages: MessageLanguage) -> None:
    """Make the tab, or let it show these pages; what people changed in it besides stays.

    Args:
        api: Label Studio.
        project: the id of the page project.
        waiting: pages of the sample that nobody has done; the first `MOST` are shown. Where none is left,
            the tab stays as it is.
        messages: the language of its title.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    if not waiting:
        return
    chosen = {"conjunction": "or", "items": [_is(task) for task in sorted(waiting)[:MOST]]}
    views = api.views(project)
    ours = next((view for view in views if _data(view).get("title") in TITLES.values()), None)
    if ours is None:
        like_others = _usual_columns(api, project)
        if not views:
            # Label Studio makes this one when somebody opens a project that has no tab, and only then
            api.save_view(project, {"title": "Default", **like_others})
        api.save_view(project, {"title": TITLES[messages], **like_others, "filters": chosen})
    elif _data(ours).get("filters") != chosen:
        api.save_view(project, {**_data(ours), "filters": chosen}, int(ours["id"]))


def _usual_columns(api: LabelStudio, project: int) -> dict[str, Any]:
    """What a tab says that shows the columns that Label Studio's own tabs show."""
    columns = api.columns(project)
    return {
        "type": "list",
        "target": "tasks",
        "hiddenColumns": {
            place: [
                f"{column['target']}:{column['id']}"
                for column in columns
                if not column.get("visibility_defaults", {}).get(place, True)
            ]
            for place in ("explore", "labeling")
        },
    }


def _is(task: int) -> dict[str, Any]:
    return {"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": task}


def _data(view: Mapping[str, Any]) -> dict[str, Any]:
    data = view.get("data")
    return data if isinstance(data, dict) else {}
