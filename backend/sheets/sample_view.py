"""Shows the sample of pages as a tab of its own in the page project's Data Manager."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from backend.label_studio.client import LabelStudio
from backend.label_studio.message_language import MessageLanguage

TITLES: Mapping[MessageLanguage, str] = {
    "en": "Sample: look at the whole page",
    "ru": "Выборка: смотреть всю страницу",
}


def show_sample(api: LabelStudio, project: int, tasks: Collection[int], messages: MessageLanguage) -> None:
    """Make the tab, or let it show these pages; what people changed in it besides stays.

    Args:
        api: Label Studio.
        project: the id of the page project.
        tasks: in the sample; where there is none, no tab is made.
        messages: the language of its title.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    ours = [view for view in api.views(project) if _data(view).get("title") in TITLES.values()]
    if not ours and not tasks:
        return
    chosen = {
        "conjunction": "and",
        "items": [
            {
                "filter": "filter:tasks:id",
                "operator": "in_list",
                "type": "Number",
                "value": sorted(tasks),
            }
        ],
    }
    if not ours:
        api.save_view(project, {"title": TITLES[messages], "filters": chosen})
    elif _data(ours[0]).get("filters") != chosen:
        api.save_view(project, {**_data(ours[0]), "filters": chosen}, int(ours[0]["id"]))


def _data(view: Mapping[str, Any]) -> dict[str, Any]:
    data = view.get("data")
    return data if isinstance(data, dict) else {}
