"""--guarantee: of the lines that nobody looked at, only what a claim of the audit covers is exported."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from backend.errors import BadRequest, ImageRefused
from backend.guarantee.decisions import ClaimState
from backend.guarantee.lots import LotKey
from converters.export import terminal
from converters.export.guarantee import Guarantee
from converters.export.run import ExportOptions, GuaranteeNotKept, NothingToExport
from converters.export.totals import ExportTotals
from converters.export.write_page import PageOptions
from tests.parts.claims import KEY, lot_claim, lot_of
from tests.parts.exported import manifest, rows, run
from tests.parts.reviewed_tasks import HEIGHT, WIDTH, Pictures
from tests.parts.reviewed_work import RULES, Work, quad_at, task
from tests.parts.sheet_answers import accepted_unseen, completed_from_sheets

HOLDS, NOT_YET, BROKEN = ClaimState.HOLDS, ClaimState.NOT_YET, ClaimState.BROKEN


def page(number, *texts):
    lines = [Work((text, text), text, quad=quad_at(row, 250)) for row, text in enumerate(texts)]
    return task(number, lines, size=(WIDTH, HEIGHT), image=f"/data/upload/1/{number}.png")


def two_pages():
    """Two lines that the lead accepted unseen, and one that a person reviewed."""
    return [accepted_unseen(page(1, "Total", "Sum")), page(2, "Date")]


def exported(folder, tasks, claims, target=0.01, **more):
    """Export by the pure core, and give the texts that came out, with what the guarantee says."""
    guarantee = Guarantee(claims, 3, target)
    if target is not None:
        guarantee.plan(tasks, RULES)
    run(folder, tasks, ExportOptions(rules=RULES, jobs=1, guarantee=guarantee, **more))
    return sorted(rows(folder).values()), guarantee


def left_out(folder):
    return {row["text"]: row["why"] for row in manifest(folder, "left_out.jsonl")}


def test_what_a_claim_covers_is_exported_and_says_so_in_every_row(tmp_path):
    tasks = two_pages()
    claim = lot_claim(lot_of(tasks), HOLDS)

    texts, guarantee = exported(tmp_path / "out", tasks, [claim])

    assert texts == ["Date", "Sum", "Total"]
    said = {
        row["text"]: row.get("claim") for row in manifest(tmp_path / "out") if row["kind"] == "recognition"
    }
    covered = {"language": "en", "score": 0.99, "at_most": 0.0, "confidence": 0.95}
    assert said == {"Total": covered, "Sum": covered, "Date": None}
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    (lot,) = summary["guarantees"]
    assert (summary["guarantee"], lot["state"], lot["exported_unseen"]) == (0.01, "holds", 2)
    assert not guarantee.refuses


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param(
            {"state": NOT_YET}, "nobody looked at them, and no claim holds", id="nobody looked blind"
        ),
        pytest.param({"state": BROKEN}, "nobody looked at them, and no claim holds", id="the claim broke"),
        pytest.param(
            {"scores": {(1, 1): 0.5}, "threshold": 0.9},
            "nobody looked at them, and their score is under the claim's",
            id="outside what is covered",
        ),
        pytest.param(
            {"right": {(1, 1): False}, "wrong_at_most": 1},
            "nobody looked at their page, and the audit found them wrong",
            id="found wrong, and not mended on its page",
        ),
        pytest.param(
            {"key": LotKey(3, "en", "the next version")},
            "nobody looked at them, and the audit is of another reading",
            id="read by another version",
        ),
        pytest.param(
            {"wrong_at_most": 97},
            "nobody looked at them, and they are too few for the claim",
            id="a few of a large lot, which may all be wrong",
        ),
    ],
)
def test_what_no_claim_covers_waits_for_people_and_is_named(tmp_path, changed, why):
    tasks = two_pages()
    of_lot = {name: changed[name] for name in ("scores", "right", "key") if name in changed}
    of_claim = {name: value for name, value in changed.items() if name not in (*of_lot, "state")}
    claim = lot_claim(lot_of(tasks, **of_lot), changed.get("state", HOLDS), **of_claim)

    texts, guarantee = exported(tmp_path / "out", tasks, [claim])

    assert "Sum" not in texts
    # what a person reviewed goes as ever
    assert "Date" in texts
    assert left_out(tmp_path / "out")["Sum"] == why
    told = io.StringIO()
    totals = ExportTotals(guarantee=guarantee)
    console = Console(file=told, soft_wrap=True)
    terminal.print_totals(totals, PageOptions(), tmp_path, console, written=True)
    assert why in told.getvalue()
    assert guarantee.refuses == (texts == ["Date"])


def test_a_page_that_was_read_anew_since_it_was_accepted_waits(tmp_path):
    """The claim is about the text of now, and the accepted one is of before."""
    tasks = two_pages()
    (accepted,) = tasks[0]["predictions"]
    claim = lot_claim(lot_of(tasks), HOLDS)
    tasks[0]["predictions"].append({**accepted, "id": 9_000, "created_at": "2026-11-03T09:00:00+00:00"})

    assert exported(tmp_path / "out", tasks, [claim])[0] == ["Date"]
    assert left_out(tmp_path / "out")["Sum"] == "nobody looked at them, and the audit is of another reading"


def test_lines_of_a_page_from_sheets_that_nobody_looked_at_need_the_claim_too(tmp_path):
    doubtful = Work(("Счёт", "Счет"), "Счёт", quad=quad_at(0, 250))
    green = Work(("Total", "Total"), "Total", quad=quad_at(1, 250))
    both = task(1, [doubtful, green], size=(WIDTH, HEIGHT), image="/data/upload/1/1.png")
    tasks = [completed_from_sheets(both, {0: 3.5})]

    assert exported(tmp_path / "out", tasks, [lot_claim(lot_of(tasks), NOT_YET)])[0] == ["Счёт"]
    assert exported(tmp_path / "all", tasks, [lot_claim(lot_of(tasks), HOLDS)])[0] == ["Total", "Счёт"]


def test_without_a_guarantee_all_goes_as_before_and_the_claim_stands_beside_it(tmp_path):
    tasks = two_pages()

    texts, _ = exported(tmp_path / "out", tasks, [lot_claim(lot_of(tasks), BROKEN)], target=None)

    assert texts == ["Date", "Sum", "Total"]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert (summary["guarantee"], summary["guarantees"][0]["state"]) == (None, "broken")
    assert [row["claim"] for row in manifest(tmp_path / "out") if "claim" in row] == [None, None]


def test_where_nothing_else_is_there_nothing_is_written(tmp_path):
    tasks = [accepted_unseen(page(1, "Total"))]
    with pytest.raises(NothingToExport) as caught:
        exported(tmp_path / "out", tasks, [])
    assert not (tmp_path / "out").exists()
    said = [sentence for sentence, _ in caught.value.totals.guarantee.notes()]
    assert said[1].startswith(
        "No claim holds for the lines that nobody looked at, so none of them is exported."
    )


@pytest.mark.parametrize(
    ("unseen", "seen", "goes"),
    [
        pytest.param(5, 0, True, id="one of five"),
        pytest.param(3, 0, False, id="one of three is too much"),
        pytest.param(3, 2, True, id="those that people typed are lines of the claim, too"),
        pytest.param(2, 3, False, id="and yet one of two that nobody looked at is too much"),
    ],
)
def test_so_many_lines_must_be_exported_that_the_wrong_ones_are_few(tmp_path, unseen, seen, goes):
    """One line may be wrong, and one in five was asked for."""
    first = accepted_unseen(page(1, *[f"line {n}" for n in range(unseen)]))
    typed = page(2, *[f"word {n}" for n in range(seen)])
    lot = lot_of([first, typed], right={(2, row): True for row in range(seen)})
    claim = lot_claim(lot, HOLDS, wrong_at_most=1, target=0.2)

    texts, guarantee = exported(tmp_path / "out", [first, typed, page(3, "Date")], [claim], 0.2)

    assert ("line 0" in texts) == goes
    said = " ".join(sentence for sentence, _ in guarantee.notes())
    assert ("they wait until more pages are approved, or more lines audited" in said) == (not goes)
    assert guarantee.refuses == (not goes)


class Offline(Pictures):
    """Pictures, but for those of one task."""

    def fetch(self, reference, *, task_id=None):
        if task_id == 3:
            raise ImageRefused("It is gone.")
        return super().fetch(reference, task_id=task_id)


def test_where_images_lack_so_that_the_target_does_not_hold_the_dataset_stays(tmp_path):
    tasks = [accepted_unseen(page(number, *[f"{number}.{n}" for n in range(5)])) for number in (1, 3)]
    claim = lot_claim(lot_of(tasks), HOLDS, wrong_at_most=1, target=0.1)
    guarantee = Guarantee([claim], 3, 0.1)
    guarantee.plan(tasks, RULES)
    with pytest.raises(GuaranteeNotKept, match="Only 5 lines that nobody looked at could be exported"):
        run(tmp_path / "out", tasks, ExportOptions(rules=RULES, jobs=1, guarantee=guarantee), Offline())
    assert not (tmp_path / "out").exists()


def test_an_export_that_keeps_pages_makes_those_anew_of_which_the_claim_broke(tmp_path):
    tasks = two_pages()
    lot = lot_of(tasks)
    assert len(exported(tmp_path / "out", tasks, [lot_claim(lot, HOLDS)], incremental=True)[0]) == 3
    assert exported(tmp_path / "out", tasks, [lot_claim(lot, BROKEN)], incremental=True)[0] == ["Date"]
    assert len(exported(tmp_path / "out", tasks, [lot_claim(lot, HOLDS)], incremental=True)[0]) == 3
    assert lot.key == KEY


def test_pages_of_a_guarantee_are_not_kept_unread(tmp_path):
    tasks = two_pages()
    exported(tmp_path / "out", tasks, [lot_claim(lot_of(tasks), HOLDS)])
    with pytest.raises(BadRequest, match="exported with --guarantee"):
        run(tmp_path / "out", tasks, ExportOptions(rules=RULES, jobs=1, partial=True))
