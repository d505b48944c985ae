"""The Label Studio that the settings name."""

from __future__ import annotations

from backend.errors import SettingsWrong
from backend.label_studio.client import LabelStudio
from backend.settings.settings import Settings


def label_studio(settings: Settings) -> LabelStudio:
    """Label Studio under the address and the key of the settings; nothing is sent yet.

    Raises:
        SettingsWrong: there is no key.
    """
    if settings.label_studio_api_key is None:
        raise SettingsWrong(
            "LABEL_STUDIO_API_KEY is not set. Copy a key from Label Studio, Account & Settings > "
            "Personal Access Token, into the environment or .env."
        )
    return LabelStudio(str(settings.label_studio_url), settings.label_studio_api_key)
