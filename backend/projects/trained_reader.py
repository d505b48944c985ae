"""Which trained model was promoted, in a sentence for people."""

from __future__ import annotations

from backend.models.promoted import PromotedModel, Promotions
from backend.pipeline import assembly
from backend.settings.settings import Settings


def promoted_model(settings: Settings) -> PromotedModel | None:
    """The model that was promoted in the CACHE_DIR of these settings, whether it may read with them or not.

    Raises:
        ModelMissing: the record of it is damaged.
    """
    return Promotions.under(settings.cache_dir).current()


def sentence(settings: Settings, model: PromotedModel) -> str:
    """Since when it reads, by what, and why; or why it does not read with these settings."""
    fixed = assembly.why_none_is_promoted(settings)
    if fixed:
        return f"{model.identity} was promoted {model.promoted_at} and does not read. {fixed}"
    how = "by the rule" if model.by == "rule" else f"by force of {model.who or 'somebody'}"
    languages = " ".join(model.languages)
    return f"{model.identity} reads '{languages}', promoted {model.promoted_at} {how}. {model.why}"
