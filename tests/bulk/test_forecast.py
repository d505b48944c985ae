"""A forecast says what the run's bill will be, and asks nobody who has to be paid."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from backend.bulk import forecast_table
from backend.bulk.estimates import Figure, total
from backend.bulk.forecast import DISPUTED, STORED_PER_S, Forecast, Known, forecast, needs_done
from backend.bulk.job import BulkWork
from backend.bulk.sample import drawn, look_at
from backend.errors import ImageUnreachable
from backend.label_studio.labeling_config import LabelingConfig
from backend.page.lines import Detected, Line, Page, Reading
from backend.pipeline.annotate import Panel, Policy
from backend.pipeline.engines import Engines
from backend.pipeline.read_task import Prediction, Wording, read_task
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.prices import Prices
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from backend.readers.usage import Usage
from backend.seams import LineReader
from backend.tickets import Asker, asking_for
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import Say, StandIn, ernie_stand_in
from tests.parts.scripted import CONFIG, ScriptedReader, ScriptedSource, quad, scripted_engines

__all__ = ["ernie_stand_in"]

WORK = BulkWork(7, LabelingConfig.parse(CONFIG), Wording("ru", "en"))
PRICES = Prices(0.14, 0.56, 0.07)
WIDTH, ROW = 900, 60


class RowDetector:
    """Finds the rows of a page that `page_of` drew, as wide as their ink; empty ones, too."""

    identity = "row detector"

    def detect(self, page: Page, *, urgency: object = None) -> Detected:
        lines = []
        for top in range(0, page.height - ROW + 1, ROW):
            inked = np.nonzero((page.pixels[top : top + ROW] < 128).any(axis=(0, 2)))[0]
            left, width = (float(inked[0]), float(np.ptp(inked)) + 4) if len(inked) else (20.0, 200.0)
            lines.append(Line(quad(left, top + 12, width, 40), 0.9))
        return Detected(tuple(lines))


def page_of(texts: Sequence[str]) -> bytes:
    """A page with these lines; an empty one is a row without ink."""
    image, _ = drawn_page(["" for _ in texts], (WIDTH, ROW * len(texts)))
    for number, text in enumerate(texts):
        row, _ = drawn_page([text], (WIDTH, ROW), letters=20)
        image.paste(row, (0, number * ROW))
    return file_of(image)


def project(tasks: int, seed: int = 1) -> dict[str, bytes]:
    """Pages of one to eight lines of one to five words; no two of the lines are the same."""
    chance = random.Random(seed)

    def line() -> str:
        return " ".join(f"{chance.randrange(10**6)}" for _ in range(chance.randint(1, 5)))

    return {
        f"/{number}.png": page_of([line() for _ in range(chance.randint(1, 8))]) for number in range(tasks)
    }


def tasks_of(pages: dict[str, bytes]) -> list[dict[str, Any]]:
    return [{"id": 100 + number, "data": {"image": name}} for number, name in enumerate(pages)]


@dataclass
class Bench:
    """Engines whose paid readings come from a stand-in, with a store; and what a run with them would do."""

    engines: Engines
    store: ReadingStore
    server: StandIn

    def run(self, tasks: Sequence[dict[str, Any]]) -> None:
        """What `preannotate` does with tasks, but for Label Studio."""

        def read(task: dict[str, Any]) -> object:
            with asking_for(Asker(str(WORK.project), None)):
                return read_task(self.engines, task, WORK.config, WORK.wording)

        with ThreadPoolExecutor(16) as pool:
            assert [made for made in pool.map(read, tasks) if not isinstance(made, Prediction)] == []

    def usage(self) -> dict[str, Usage]:
        return {row.reader: row.usage for row in self.store.usage(str(WORK.project))}

    def forecast(
        self, waiting: Sequence[dict[str, Any]], done: Sequence[dict[str, Any]] = (), sample: int = 200
    ) -> Forecast:
        chosen, among = drawn(waiting, sample)
        seen = look_at(self.engines, WORK, chosen, among, at_once=4)
        usage = self.usage()
        asked = look_at(self.engines, WORK, done, len(done), at_once=4).rehearsed
        known = Known(usage, asked if needs_done(seen, usage) else ())
        return forecast(seen, known, PRICES, concurrency=8, pages_at_once=4)


@contextmanager
def bench(
    folder: Path,
    server: StandIn,
    pages: dict[str, bytes],
    before: Sequence[LineReader] = (),
    when: str = "all",
) -> Iterator[Bench]:
    """Engines with these free readers, then ERNIE's two prompts."""
    with ExitStack() as opened:
        store = ReadingStore(f"sqlite:///{folder / 'store.sqlite3'}")
        opened.callback(store.close)
        keeper = Keeper(store)
        opened.callback(keeper.close)
        ernie = ErnieServer(ErnieOptions(server.base_url, server.model), ledger=keeper)
        opened.callback(ernie.close)
        paid = [StoredReader(ErnieReader(ernie, prompt), keeper, paid=True) for prompt in prompts()]
        readers: list[LineReader] = [*before, *paid]
        kinds = [*(reader.identity for reader in before), "ernie", "ernie"]
        policy = Policy.majority(kinds, kinds, when)  # type: ignore[arg-type]

        @contextmanager
        def lend(language: str) -> Iterator[Panel]:
            yield Panel(tuple(readers), language, policy)

        engines = scripted_engines(RowDetector(), source=ScriptedSource(pages))
        yield Bench(replace(engines, lend=lend), store, server)


@pytest.mark.parametrize(
    ("sampled", "tasks", "figure"),
    [
        pytest.param([3, 4, 5], 3, Figure(12, 12, 12), id="all were looked at"),
        # deviation sqrt(2), error sqrt(2) / sqrt(2) x sqrt(1 - 2/4), one degree: 12.706 x 0.7071 x 4 = 35.9
        pytest.param([2, 4], 4, Figure(12, 6, 47.9), id="never fewer than were seen"),
        # deviation 1, error 1 / sqrt(3) x sqrt(1 - 3/300), two degrees: 4.303 x 0.5745 x 300 = 741.6
        pytest.param([9, 10, 11], 300, Figure(3000, 2258.4, 3741.6), id="three of three hundred"),
        pytest.param([5], 10, Figure(50, 5, float("inf")), id="one says nothing of the others"),
        pytest.param([], 10, Figure(0, 0, float("inf")), id="none"),
    ],
)
def test_a_sample_says_what_all_have(sampled: list[float], tasks: int, figure: Figure) -> None:
    found = total(sampled, tasks)
    assert (found.value, found.low, found.high) == pytest.approx(
        (figure.value, figure.low, figure.high), abs=0.1
    )


def test_intervals_hold_the_truth_in_nineteen_of_twenty() -> None:
    chance = random.Random(3)
    truth = [chance.expovariate(0.1) for _ in range(500)]
    held = 0
    for _ in range(400):
        found = total(chance.sample(truth, 30), 500)
        held += found.low <= sum(truth) <= found.high
    assert 0.9 <= held / 400 <= 0.98


def test_the_same_tasks_are_drawn_every_time_from_all_over_the_project() -> None:
    tasks = [{"id": number} for number in range(5000)]
    some, among = drawn(iter(tasks), 100)
    assert among == 5000
    assert some == drawn(iter(tasks), 100)[0]
    # the first ones of a larger sample are the smaller one
    assert some[:12] == drawn(iter(tasks), 12)[0]
    quarters = [sum(1250 * part <= task["id"] < 1250 * (part + 1) for task in some) for part in range(4)]
    assert min(quarters) >= 12


def test_the_forecast_is_within_a_tenth_of_the_bill(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    ernie_stand_in.brain = lambda asked: Say(
        "1" * (asked.picture.shape[1] // 28) if asked.picture is not None else ""
    )
    pages = project(90)
    tasks = tasks_of(pages)
    with bench(tmp_path, ernie_stand_in, pages) as made:
        # `--limit 20`, whose pages are short here: what they took must be carried over by size
        made.run(tasks[:20])
        before = dict(ernie_stand_in.bill)
        told = made.forecast(tasks[20:], tasks[:20], sample=50)
        assert dict(ernie_stand_in.bill) == before, "somebody was paid"
        made.run(tasks[20:])
    bill = {name: number - before[name] for name, number in ernie_stand_in.bill.items()}
    usage = Usage(
        calls=bill["calls"],
        input_tokens=bill["prompt_tokens"],
        cached_tokens=bill["cached_tokens"],
        output_tokens=bill["completion_tokens"],
    )
    cost = PRICES.cost(usage)
    assert cost is not None
    assert told.cost is not None
    assert (told.tasks, told.sampled) == (70, 50)
    assert told.calls.value == pytest.approx(bill["calls"], rel=0.1)
    assert told.calls.low <= bill["calls"] <= told.calls.high
    assert sum(one.input_tokens.value for one in told.readers) == pytest.approx(usage.input_tokens, rel=0.1)
    assert sum(one.output_tokens.value for one in told.readers) == pytest.approx(usage.output_tokens, rel=0.1)
    assert told.cost.value == pytest.approx(cost, rel=0.1)
    assert not told.guessed


def test_all_tasks_give_the_number_of_calls_exactly(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    ernie_stand_in.brain = lambda asked: Say(
        "###" if asked.picture is None or asked.picture.min() > 200 else "1"
    )
    # an empty box, which the first reader alone is shown; and the same line twice, which is read once
    pages = {"/a.png": page_of(["123 45", "", "8"]), "/b.png": page_of(["9 10", "9 10"])}
    tasks = tasks_of(pages)
    with bench(tmp_path, ernie_stand_in, pages) as made:
        told = made.forecast(tasks)
        assert ernie_stand_in.calls == 0
        made.run(tasks)
    assert told.lines == Figure(5, 5, 5)
    assert told.calls == Figure(7, 7, 7)
    assert ernie_stand_in.calls == 7


def test_readings_at_hand_cost_nothing(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    pages = project(6)
    tasks = tasks_of(pages)
    with bench(tmp_path, ernie_stand_in, pages) as made:
        made.run(tasks[:3])
        told, calls = made.forecast(tasks), ernie_stand_in.calls
        made.run(tasks)
    assert told.kept.value == calls > 0
    assert told.calls.value == ernie_stand_in.calls - calls > 0


def saying_by_number(step: int) -> Callable[[int], Reading]:
    """A local engine that agrees with ERNIE on all but each line in so many."""
    return lambda number: Reading("engine", "что-то" if number % step == 0 else "Счёт 12")


def test_who_is_asked_later_is_reckoned_by_pages_that_are_done(
    ernie_stand_in: StandIn, tmp_path: Path
) -> None:
    pages = project(50)
    tasks = tasks_of(pages)
    engine = ScriptedReader("engine", saying_by_number(4))
    with bench(tmp_path, ernie_stand_in, pages, [engine], "second-when-needed") as made:
        guessed = made.forecast(tasks)
        assert guessed.disputed == (DISPUTED, 0)
        assert guessed.guessed
        made.run(tasks[:30])
        # the engine says the same of the same lines again, as engines do
        engine.asked = 0
        done = made.forecast([], tasks[:30])
        assert done.calls == Figure(0, 0, 0)
        engine.asked = 0
        chosen, among = drawn(tasks[30:], 20)
        asked = look_at(made.engines, WORK, tasks[:30], 30, at_once=1).rehearsed
        seen = look_at(made.engines, WORK, chosen, among, at_once=1)
        told = forecast(seen, Known(made.usage(), asked), PRICES, concurrency=8, pages_at_once=4)
        calls = ernie_stand_in.calls
        made.run(tasks[30:])
    assert told.disputed is not None
    assert told.disputed[0] == pytest.approx(0.25, abs=0.02)
    assert told.calls.value == pytest.approx(ernie_stand_in.calls - calls, rel=0.05)


def test_where_free_readers_come_first_it_is_certain_who_is_asked(
    ernie_stand_in: StandIn, tmp_path: Path
) -> None:
    pages = {"/a.png": page_of(["1", "2", "3", "4"])}
    tasks = tasks_of(pages)
    others = [ScriptedReader("one", saying_by_number(2)), ScriptedReader("two", "Счёт 12")]
    with bench(tmp_path, ernie_stand_in, pages, others, "second-when-needed") as made:
        told = made.forecast(tasks)
        others[0].asked = others[1].asked = 0
        made.run(tasks)
    assert told.disputed is None
    assert told.calls == Figure(4, 4, 4)
    assert ernie_stand_in.calls == 4


def test_tasks_that_cannot_be_read_are_named_and_counted(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    pages = project(9)
    tasks = [*tasks_of(pages), {"id": 500, "data": {"image": "/gone.png"}}, {"id": 501, "data": {}}]
    with bench(tmp_path, ernie_stand_in, pages) as made:
        told = made.forecast(tasks)
        whole = made.forecast(tasks[:9])
    assert set(told.failed) == {500, 501}
    assert "/gone.png is not there (404)" in told.failed[500]
    assert told.calls == whole.calls
    sentences = "\n".join(forecast_table.sentences(told, 7))
    assert "2 of the 11 sampled tasks cannot be read" in sentences
    assert "task 500: The image /gone.png is not there (404)." in sentences


def test_the_first_reason_stays_an_error_of_its_own_kind(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    with bench(tmp_path, ernie_stand_in, {}) as made:
        seen = look_at(made.engines, WORK, [{"id": 1, "data": {"image": "/gone.png"}}], 1, at_once=1)
    assert isinstance(seen.first, ImageUnreachable)


def test_before_the_first_call_it_says_that_it_guesses(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    pages = project(4)
    with bench(tmp_path, ernie_stand_in, pages) as made:
        told = made.forecast(tasks_of(pages))
    text = "\n".join(forecast_table.sentences(told, 7))
    assert told.guessed
    assert told.slowest is None
    assert "is an estimate. Run `twinread preannotate --project 7 --limit 20`" in text
    assert "How long it takes is not known before the first calls" in text
    assert forecast_table.figures(told)["tokens_are_an_estimate"] is True


def test_without_prices_no_money_is_told(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    pages = project(4)
    with bench(tmp_path, ernie_stand_in, pages) as made:
        seen = look_at(made.engines, WORK, tasks_of(pages), 4, at_once=1)
    told = forecast(seen, Known(), Prices(), concurrency=8, pages_at_once=4)
    assert told.cost is None
    assert "Set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE" in "\n".join(forecast_table.sentences(told, 7))
    assert forecast_table.figures(told)["cost"] is None


def test_the_slowest_stage_says_how_long_it_takes(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    pages = project(20)
    tasks = tasks_of(pages)
    with bench(tmp_path, ernie_stand_in, pages) as made:
        seen = look_at(made.engines, WORK, tasks, 20, at_once=4)
    seen.seconds = 10.0
    readers = {asked.reader for one in seen.rehearsed for asked in one.asked}
    calls = sum(len(one.asked) for one in seen.rehearsed)
    # each call took 4 s, and 8 of them are in flight
    usage = dict.fromkeys(readers, Usage(calls=100, input_tokens=100, output_tokens=100, seconds=400))
    told = forecast(seen, Known(usage), PRICES, concurrency=8, pages_at_once=4)
    assert [stage.seconds for stage in told.stages] == pytest.approx([10, calls / 2, 20 / STORED_PER_S])
    assert told.slowest is not None
    assert told.slowest.name == "reading by the server"


def test_the_tables_fit_a_narrow_terminal(ernie_stand_in: StandIn, tmp_path: Path) -> None:
    pages = project(20)
    with bench(tmp_path, ernie_stand_in, pages) as made:
        told = made.forecast(tasks_of(pages))
    console = Console(width=80, record=True, file=io.StringIO())
    for table in forecast_table.tables(told):
        console.print(table)
    text = console.export_text()
    assert "…" not in text
    assert "By 20 of 20" not in text
    assert "All 20 tasks were looked at" in text
    assert f"{told.calls.value:,.0f}" in text
