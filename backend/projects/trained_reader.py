"""Which trained model was promoted, in a sentence for people."""

from __future__ import annotations

from backend.models.promoted import PromotedModel
from backend.pipeline import assembly
from backend.settings.settings import Settings


def sentence(settings: Settings, model: PromotedModel) -> str:
    """Since when it reads, by what, and why; or why it does not read with these settings."""
    fixed = assembly.why_none_is_promoted(settings)
    if fixed:
        return f"{model.identity} was promoted {model.promoted_at} and does not read. {fixed}"
    how = "by the rule" if model.by == "rule" else f"by force of {model.who or 'somebody'}"
    languages = " ".join(model.languages)
    return f"{model.identity} reads '{languages}', promoted {model.promoted_at} {how}. {model.why}"
