"""The backend that most of these tests share, next to the shared Label Studio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.label_studio import RunningLabelStudio


@pytest.fixture(scope="session")
def local_backend(
    label_studio: RunningLabelStudio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBackend]:
    """Two local readings of Russian, images fetched with a personal access token."""
    with backend_process(
        tmp_path_factory.mktemp("backend"),
        label_studio_url=label_studio.base_url,
        label_studio_api_key=label_studio.personal_token,
        ocr_language="ru",
        allowed_image_hosts="localhost",
    ) as backend:
        yield backend
