from __future__ import annotations

import pytest

from backend.fetching.references import redacted


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        pytest.param("/data/upload/1/ab-%D0%B0.png", "/data/upload/1/ab-а.png", id="letters, not percents"),
        pytest.param("/data/local-files/?d=a/b.png&x=1", "/data/local-files/?d=a/b.png", id="local file"),
        pytest.param("https://a.example/x.png?X-Amz-Signature=s", "https://a.example/x.png", id="signature"),
        pytest.param("https://a.example/x.png#s", "https://a.example/x.png", id="fragment"),
        pytest.param("https://me:pass@a.example/x.png", "https://a.example/x.png", id="password"),
        pytest.param("https://me:p%2Fs%40s@a.example/x.png", "https://a.example/x.png", id="hidden password"),
        pytest.param("data:image/png;base64,AAAA", "data:image/png;base64", id="whole image"),
        pytest.param("s3://bucket/a\nb.png", "s3://bucket/a�b.png", id="one line"),
        pytest.param(
            "s3://b/" + "x" * 500 + ".png", "s3://b/" + "x" * 33 + "…" + "x" * 76 + ".png", id="long"
        ),
    ],
)
def test_messages_show_a_reference_without_its_secrets(reference: str, text: str) -> None:
    assert redacted(reference) == text
