"""What the pages of a project have in common, asked of Label Studio."""

from __future__ import annotations

from backend.errors import ProjectError
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.labeling_config import LabelingConfig
from backend.sheets.line_project import LineProject, check_page_project, find_line_project
from backend.sheets.offered_texts import TextRules
from backend.sheets.page_outcomes import PageContext
from backend.text.house_style import TextStyle


def page_context(
    api: LabelStudio,
    project: int,
    names: LabelNames,
    language: str,
    style: TextStyle,
    line_project: int | None = None,
) -> tuple[LineProject, PageContext]:
    """Find the line project of a page project, and read what decides about its pages.

    Args:
        api: Label Studio.
        project: the id of the page project.
        names: what the labels are called.
        language: of pages whose task names none.
        style: which marks are written by the house rule.
        line_project: its id, where a person named it.

    Raises:
        ProjectError: there is no line project.
        BadRequest: the named one belongs to other pages, or sheets were named for the pages.
        ConfigIncomplete: the labeling config of the pages lacks a tag that is needed.
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    check_page_project(api, project)
    found = find_line_project(api, project, line_project)
    if found is None:
        raise ProjectError(
            f"Project {project} has no line project, so there are no sheets with answers. Run `twinread "
            f"lines --project {project}` first."
        )
    shown = api.project(project)
    config = LabelingConfig.parse(str(shown["label_config"]), names)
    version = str(shown.get("model_version") or "")
    context = PageContext(project, config, version, TextRules(language, style), found.annotators)
    return found, context
