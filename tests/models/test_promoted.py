from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import ModelMissing, OperatorError
from backend.models.promoted import PromotedModel, Promotions

FIRST = PromotedModel(
    directory=Path("/models/ru-1"),
    fingerprint="11111111",
    name="eslav_PP-OCRv5_mobile_rec",
    languages=("ru", "uk"),
    promoted_at="2026-11-26T10:00:00+00:00",
    by="rule",
    why="It misreads 3.1 of 100 characters, the present one 8.0.",
    who="anna@desk",
    evaluation={"pages": 24, "lines": 310},
)
SECOND = replace(FIRST, directory=Path("/models/2"), fingerprint="22222222", by="force", why="Anna said so.")


def test_nothing_is_promoted_where_there_is_no_file(tmp_path):
    promotions = Promotions.under(tmp_path)
    assert promotions.path == tmp_path / "models" / "promoted.json"
    assert promotions.current() is None
    assert promotions.content() is None
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


def test_a_promoted_model_comes_back_as_it_was_written(tmp_path):
    Promotions.under(tmp_path).promote(FIRST)
    assert Promotions.under(tmp_path).current() == FIRST
    written = json.loads((tmp_path / "models" / "promoted.json").read_text("utf-8"))
    assert written["format"] == 1
    assert written["current"]["directory"] == "/models/ru-1"
    assert written["current"]["languages"] == ["ru", "uk"]
    assert written["previous"] is None


def test_the_model_that_read_before_is_kept_and_brought_back(tmp_path):
    promotions = Promotions.under(tmp_path)
    promotions.promote(FIRST)
    promotions.promote(SECOND)
    assert (promotions.current(), promotions.previous()) == (SECOND, FIRST)
    assert promotions.undo("2026-11-27T10:00:00+00:00") == FIRST
    assert (promotions.current(), promotions.previous()) == (FIRST, SECOND)
    assert json.loads(promotions.path.read_text("utf-8"))["undone_at"] == "2026-11-27T10:00:00+00:00"


def test_undoing_the_first_promotion_gives_paddleocrs_own_model_back_and_can_be_undone(tmp_path):
    promotions = Promotions.under(tmp_path)
    promotions.promote(FIRST)
    assert promotions.undo("now") is None
    assert promotions.current() is None
    assert promotions.undo("later") == FIRST


def test_the_same_model_again_does_not_push_the_previous_one_out(tmp_path):
    promotions = Promotions.under(tmp_path)
    promotions.promote(FIRST)
    promotions.promote(SECOND)
    promotions.promote(replace(SECOND, why="Anna said so twice."))
    assert promotions.current().why == "Anna said so twice."
    assert promotions.previous() == FIRST


def test_there_is_nothing_to_undo_before_anything_was_promoted(tmp_path):
    with pytest.raises(ModelMissing, match="No model was ever promoted"):
        Promotions.under(tmp_path).undo("now")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "no whole JSON", id="empty"),
        pytest.param(b'{"format": 1, "current": {', "no whole JSON", id="cut off"),
        pytest.param(b"\xff\xfe", "no whole JSON", id="no text"),
        pytest.param(b"[]", "not what twinread writes", id="a list"),
        pytest.param(b'{"format": 1}', "lacks 'current'", id="a key is missing"),
        pytest.param(b'{"format": 2, "current": null, "previous": null}', "format is 2", id="of the future"),
        pytest.param(
            b'{"format": 1, "current": {"fingerprint": "x"}, "previous": null}', "lacks 'by'", id="half one"
        ),
        pytest.param(
            b'{"format": 1, "current": {"fingerprint": "../../ab", "by": "rule"}, "previous": null}',
            "no fingerprint",
            id="a path for a fingerprint",
        ),
    ],
)
def test_a_damaged_file_is_one_sentence_without_a_path_and_is_not_overwritten(tmp_path, content, why):
    promotions = Promotions.under(tmp_path)
    promotions.path.parent.mkdir()
    promotions.path.write_bytes(content)
    for act in (promotions.current, lambda: promotions.promote(FIRST), lambda: promotions.undo("now")):
        with pytest.raises(ModelMissing, match="the model that reads stays") as caught:
            act()
        assert why in str(caught.value)
        assert str(tmp_path) not in str(caught.value)
    assert promotions.path.read_bytes() == content


def test_a_file_that_cannot_be_read_does_not_look_like_none(tmp_path):
    promotions = Promotions.under(tmp_path)
    promotions.path.mkdir(parents=True)
    with pytest.raises(ModelMissing, match="cannot be read"):
        promotions.current()


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("no folder", "utf-8")
    with pytest.raises(OperatorError, match="CACHE_DIR cannot be written"):
        Promotions.under(tmp_path / "file").promote(FIRST)


def test_in_a_container_the_copy_beside_the_file_is_the_model(tmp_path):
    on_the_host, in_the_container = tmp_path / "host", tmp_path / "container"
    copied = replace(FIRST, directory=on_the_host / "models" / "promoted" / FIRST.fingerprint)
    Promotions.under(on_the_host).promote(copied)
    on_the_host.rename(in_the_container)
    beside = in_the_container / "models" / "promoted" / FIRST.fingerprint
    beside.mkdir(parents=True)
    assert Promotions.under(in_the_container).current().directory == beside


def test_a_kill_at_any_moment_leaves_one_of_two_whole_files(tmp_path):
    promotions = Promotions.under(tmp_path)
    promotions.promote(FIRST)
    code = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from backend.models.promoted import Promotions\n"
        "promotions = Promotions(Path(sys.argv[1])); model = promotions.current()\n"
        "print('begun', flush=True)\n"
        "for number in range(10**9):\n"
        "    promotions.promote(replace(model, fingerprint=f'{number:08x}'))\n"
    )
    for wait_s in (0.0, 0.005, 0.01, 0.02, 0.05):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(promotions.path)], stdout=subprocess.PIPE
        ) as process:
            process.stdout.readline()
            threading.Event().wait(wait_s)
            process.kill()
        assert promotions.current().why == FIRST.why
    # a lock that a dead process held keeps nobody out
    promotions.promote(SECOND)
    assert promotions.current() == SECOND


def test_two_who_promote_at_once_lose_neither_file_nor_order(tmp_path):
    promotions = Promotions.under(tmp_path)

    def promote(fingerprint: str) -> None:
        Promotions(promotions.path).promote(replace(FIRST, fingerprint=fingerprint))

    threads = [threading.Thread(target=promote, args=(f"{n:08x}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    both = {promotions.current().fingerprint, promotions.previous().fingerprint}
    assert len(both) == 2
    assert both <= {f"{n:08x}" for n in range(8)}
