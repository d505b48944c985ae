"""What audits say of a project, asked of Label Studio: for `status`, `report`, `export` and the metrics."""

from __future__ import annotations

from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.sheets.audits import read_lots
from backend.sheets.lot_claims import LotClaim, lot_claims
from backend.sheets.offered_texts import TextRules


def project_claims(
    api: LabelStudio,
    project: int,
    config: LabelingConfig,
    rules: TextRules,
    target: float,
    sheets: int | None = None,
) -> list[LotClaim]:
    """What audits say of the agreed lines of a project; every page of it is read.

    Args:
        api: Label Studio.
        project: the id of the page project.
        config: its labeling config.
        rules: how readings become texts.
        target: the share of wrong lines that is accepted, over 0 and under 1.
        sheets: the id of its line project; None finds it by its mark.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    version = str(api.project(project).get("model_version") or "")
    return lot_claims(read_lots(api, project, config, version, rules, sheets=sheets), target, version)
