"""The pages of a project by their lines, and the sheets of a line project, listed from Label Studio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.sheets.doubtful_lines import PageLines, PageWork, page_lines
from backend.sheets.offered_texts import TextRules
from backend.sheets.page_images import browser_addresses
from backend.sheets.sheet_tasks import is_sheet, sheet_lines
from backend.sheets.topping_up import StoredSheet


@dataclass(frozen=True, slots=True)
class ListedPages:
    """The pages of a project.

    lines: each page by its lines; those that no sheet can show are among its `unshown`.
    images: for each task the addresses of its images.
    languages: codes, of the pages that were read: the palette does not change with what is doubtful.
    """

    lines: list[PageLines]
    images: Mapping[int, tuple[str, ...]]
    languages: frozenset[str]


def list_pages(
    api: LabelStudio,
    project: int,
    config: LabelingConfig,
    version: str,
    rules: TextRules,
    seen: Callable[[int, int], object],
) -> ListedPages:
    """Look at every page of the project, a hundred at a time.

    Args:
        api: Label Studio.
        project: the id of the page project.
        config: the page project's.
        version: the model version that the project chose.
        rules: how readings become texts.
        seen: is told how many pages of how many are looked at.
    """
    begun = _begun(api, project)
    total = api.count_tasks(project)
    found: list[PageLines] = []
    images: dict[int, tuple[str, ...]] = {}
    languages: set[str] = set()
    for number, task in enumerate(api.tasks(project), start=1):
        task_id = int(task["id"])
        page = page_lines(task, project, config, version, rules, begun=task_id in begun)
        addresses = browser_addresses(config, task.get("data"))
        found.append(_with_images(page, addresses))
        if page.prediction is not None:
            languages.add(rules.language_of(task))
        if page.doubtful and page.work is PageWork.NONE:
            images[task_id] = addresses
        seen(number, max(total, number))
    return ListedPages(found, images, frozenset(languages))


def stored_sheets(api: LabelStudio, line_project: int) -> Iterator[StoredSheet]:
    """The sheets of a line project; other tasks are passed over.

    Args:
        api: Label Studio.
        line_project: its id.
    """
    begun = _begun(api, line_project)
    for task in api.tasks(line_project, fields="task_only", resolve_uri=False):
        if not is_sheet(task):
            continue
        lines = tuple(sheet_lines(task))
        whole = len(lines) == len(task["data"]["lines"])
        touched = bool(_answers(task)) or int(task["id"]) in begun or not whole
        yield StoredSheet(int(task["id"]), lines, touched)


def still_untouched(api: LabelStudio, line_project: int, sheets: Sequence[int]) -> list[int]:
    """Those of these sheets that nobody has touched: somebody may have opened one since it was listed.

    Args:
        api: Label Studio.
        line_project: its id.
        sheets: ids of tasks.
    """
    begun = _begun(api, line_project) if sheets else frozenset()
    rows = api.tasks_by_id(line_project, sheets)
    return [int(row["id"]) for row in rows if not _answers(row) and int(row["id"]) not in begun]


def _begun(api: LabelStudio, project: int) -> frozenset[int]:
    rows = api.tasks(project, fields="task_only", begun=True, resolve_uri=False)
    return frozenset(int(row["id"]) for row in rows)


def _answers(row: Mapping[str, Any]) -> int:
    """How many annotations a task has, those of who passed it over included."""
    return int(row.get("total_annotations") or 0) + int(row.get("cancelled_annotations") or 0)


def _with_images(page: PageLines, addresses: Sequence[str]) -> PageLines:
    """The same page; lines whose image no browser could show on a sheet are named as such."""
    there = [each for each in page.doubtful if each.line.page < len(addresses) and addresses[each.line.page]]
    if len(there) == len(page.doubtful):
        return page
    gone = tuple(each.line.key.region for each in page.doubtful if each not in there)
    return replace(page, doubtful=tuple(there), unshown=page.unshown + gone)
