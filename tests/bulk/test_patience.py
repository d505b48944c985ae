"""Label Studio that is away is waited for where nothing is written, and no longer than one is patient."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import httpx
import pytest
from pydantic import SecretStr

from backend.bulk.patience import Patience, PatientLabelStudio
from backend.errors import LabelStudioFailed


class Away:
    """A Label Studio that answers so many requests with these statuses first; 0 is no answer at all."""

    def __init__(self, *statuses: int) -> None:
        self.left = list(statuses)
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        status = self.left.pop(0) if self.left else 200
        if not status:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, json={"id": 7})


def patient(
    away: Away, said: list[str], stop: threading.Event, pauses: Sequence[float] = (0.0,) * 3
) -> PatientLabelStudio:
    return PatientLabelStudio(
        "http://label-studio:8080",
        SecretStr("0" * 40),
        Patience(said.append, stop, pauses),
        retry_wait_s=0,
        transport=httpx.MockTransport(away),
    )


@pytest.mark.parametrize("status", [0, 500, 502, 503], ids=["no answer", "500", "502", "503"])
def test_what_reads_is_asked_again_until_it_is_back(status: int) -> None:
    said: list[str] = []
    with patient(Away(*[status] * 7), said, threading.Event(), (0.0,) * 8) as api:
        assert api.project(7) == {"id": 7}
    assert all(sentence.endswith("Trying again in 0 s.") for sentence in said)
    assert said


def test_one_that_stays_away_is_given_up() -> None:
    said: list[str] = []
    with (
        patient(Away(*[0] * 100), said, threading.Event()) as api,
        pytest.raises(LabelStudioFailed, match="does not answer"),
    ):
        api.project(7)
    assert len(said) == 3


def test_a_refusal_is_no_absence() -> None:
    said: list[str] = []
    away = Away(404)
    with patient(away, said, threading.Event()) as api, pytest.raises(LabelStudioFailed, match="404"):
        api.project(7)
    assert (said, away.asked) == ([], ["GET"])


def test_what_writes_is_never_sent_twice() -> None:
    away = Away(503)
    with patient(away, [], threading.Event()) as api, pytest.raises(LabelStudioFailed):
        api.call("POST", "/api/projects/7/import/predictions", "import", body=[])
    assert away.asked == ["POST"]


def test_nobody_waits_once_the_run_is_to_end() -> None:
    said: list[str] = []
    stop = threading.Event()
    stop.set()
    with patient(Away(0, 0, 0), said, stop, (600.0,)) as api, pytest.raises(LabelStudioFailed):
        api.project(7)
    assert said == []
