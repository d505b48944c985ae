from __future__ import annotations

import re
import threading
from collections.abc import Sequence

import pytest

from backend.errors import NotReady, SettingsWrong, Stopping, UnexpectedFailure
from backend.models.model_thread import ModelState, ModelThread, sentence_of


class Kettle:
    """A model that writes down which items it was given together, and in which thread."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.threads = {threading.get_ident()}
        self.may_go_on = threading.Event()

    def boil(self, items: Sequence[str]) -> list[str]:
        self.threads.add(threading.get_ident())
        self.calls.append(list(items))
        if "hold" in items:
            self.may_go_on.wait(20)
        if "bad" in items:
            raise ValueError("bad item")
        return [item.upper() for item in items]


def kettle_thread(kettle: Kettle, batch: int = 1) -> ModelThread[Kettle, str, str]:
    return ModelThread("kettle", lambda: kettle, Kettle.boil, batch=batch)


def test_results_come_back_from_the_one_thread_that_built_the_model():
    built: list[Kettle] = []
    thread = ModelThread[Kettle, str, str]("kettle", lambda: built.append(Kettle()) or built[-1], Kettle.boil)
    thread.start()
    thread.start()
    futures = [thread.submit(word) for word in ("a", "b", "c")]

    assert [future.result(20) for future in futures] == ["A", "B", "C"]
    assert len(built) == 1
    assert len(built[0].threads) == 1
    assert threading.get_ident() not in built[0].threads
    thread.stop()


def test_urgent_items_go_first_and_each_kind_keeps_its_order():
    kettle = Kettle()
    thread = kettle_thread(kettle)
    thread.start()
    first = thread.submit("hold")
    while not kettle.calls:
        threading.Event().wait(0.001)
    rest = [thread.submit(word) for word in ("bulk 1", "bulk 2")]
    rest += [thread.submit(word, urgent=True) for word in ("urgent 1", "urgent 2")]
    assert thread.waiting == 4
    kettle.may_go_on.set()
    for future in [first, *rest]:
        future.result(20)

    assert kettle.calls == [["hold"], ["urgent 1"], ["urgent 2"], ["bulk 1"], ["bulk 2"]]
    thread.stop()


def test_with_all_threads_at_bulk_work_an_urgent_item_waits_for_one_call_alone() -> None:
    kettles: list[Kettle] = []
    thread = ModelThread[Kettle, str, str](
        "kettles", lambda: kettles.append(Kettle()) or kettles[-1], Kettle.boil, threads=2
    )
    thread.start()
    held = [thread.submit("hold") for _ in range(2)]
    while sum(len(kettle.calls) for kettle in kettles) < 2:
        threading.Event().wait(0.001)
    bulk = [thread.submit(f"bulk {number}") for number in range(20)]
    urgent = thread.submit("urgent", urgent=True)
    # one of the two comes back; the other is still at its call
    kettles[0].may_go_on.set()
    assert urgent.result(20) == "URGENT"
    assert kettles[0].calls[:2] == [["hold"], ["urgent"]]
    assert kettles[1].calls == [["hold"]]
    kettles[1].may_go_on.set()
    for future in [*held, *bulk]:
        future.result(20)
    thread.stop()


def test_of_urgent_items_a_few_go_before_many() -> None:
    kettle = Kettle()
    thread = kettle_thread(kettle)
    many = [thread.submit(f"of many {number}", urgent=True, among=2) for number in (1, 2)]
    alone = [thread.submit(word, urgent=True) for word in ("alone 1", "alone 2")]
    bulk = thread.submit("bulk", among=1)
    thread.start()
    for future in [*many, *alone, bulk]:
        future.result(20)

    assert kettle.calls == [["alone 1"], ["alone 2"], ["of many 1"], ["of many 2"], ["bulk"]]
    thread.stop()


def test_a_batch_takes_what_waits_up_to_its_size_and_never_mixes_urgencies():
    kettle = Kettle()
    thread = kettle_thread(kettle, batch=3)
    futures = [thread.submit(word) for word in ("a", "b", "c", "d")]
    futures += [thread.submit("u", urgent=True)]
    thread.start()

    assert [future.result(20) for future in futures] == ["A", "B", "C", "D", "U"]
    assert kettle.calls == [["u"], ["a", "b", "c"], ["d"]]
    thread.stop()


def test_an_exception_reaches_only_the_item_that_caused_it():
    kettle = Kettle()
    thread = kettle_thread(kettle, batch=3)
    futures = [thread.submit(word) for word in ("a", "bad", "c")]
    thread.start()

    assert futures[0].result(20) == "A"
    assert futures[2].result(20) == "C"
    with pytest.raises(ValueError, match="bad item"):
        futures[1].result(20)
    thread.stop()


def test_a_call_that_loses_a_result_is_an_error_not_a_shift():
    thread = ModelThread[None, str, str]("short", lambda: None, lambda _, items: list(items)[1:], batch=2)
    futures = [thread.submit("a"), thread.submit("b")]
    thread.start()

    for future in futures:
        with pytest.raises(RuntimeError, match="0 results for 1 items"):
            future.result(20)
    thread.stop()


def fails_with(error: Exception) -> ModelThread[None, str, str]:
    def build() -> None:
        raise error

    return ModelThread("detection model", build, lambda _, items: list(items))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        pytest.param(SettingsWrong("No such model."), SettingsWrong, "No such model.", id="our own error"),
        pytest.param(
            Exception("weights are cut off"),
            UnexpectedFailure,
            "The detection model failed to load (Exception); the log says more.",
            id="a library's bare Exception",
        ),
    ],
)
def test_a_model_that_fails_to_load_says_why_to_everyone(error: Exception, kind: type[Exception], words: str):
    thread = fails_with(error)
    early = thread.submit("early")
    assert thread.state is ModelState.LOADING
    thread.start()
    with pytest.raises(kind, match=re.escape(words)):
        thread.wait(20)

    assert thread.state is ModelState.FAILED
    assert str(thread.failure) == words
    for future in (early, thread.submit("late")):
        with pytest.raises(kind, match=re.escape(words)):
            future.result(20)
    thread.stop()
    assert thread.state is ModelState.FAILED


def test_one_of_several_threads_that_fails_to_build_fails_them_all_before_any_has_worked():
    numbers, worked = iter([1, 2]), threading.Event()

    def build() -> int:
        if next(numbers) == 2:
            worked.wait(0.1)
            raise OSError("no memory for a second one")
        return 1

    def work(_: int, items: Sequence[str]) -> list[str]:
        worked.set()
        return list(items)

    thread = ModelThread[int, str, str]("pair", build, work, threads=2)
    future = thread.submit("a")
    thread.start()
    with pytest.raises(UnexpectedFailure, match="OSError"):
        future.result(20)
    thread.stop()
    assert not worked.is_set()


def test_stop_leaves_no_future_pending():
    kettle = Kettle()
    thread = kettle_thread(kettle)
    thread.start()
    held = thread.submit("hold")
    while not kettle.calls:
        threading.Event().wait(0.001)
    waiting = [thread.submit("a"), thread.submit("b", urgent=True)]
    cancelled = thread.submit("c")
    assert cancelled.cancel()
    threading.Timer(0.05, kettle.may_go_on.set).start()
    thread.stop()

    assert held.result(0) == "HOLD"
    for future in [*waiting, thread.submit("too late")]:
        with pytest.raises(Stopping, match="was stopped"):
            future.result(0)
    assert kettle.calls == [["hold"]]


def test_hurried_items_go_before_other_bulk_work():
    kettle = Kettle()
    thread = kettle_thread(kettle, batch=2)
    futures = [thread.submit(word) for word in ("a", "b", "c", "d")]
    thread.hurry(futures[2:])
    thread.start()
    assert [future.result(20) for future in futures] == ["A", "B", "C", "D"]
    assert kettle.calls == [["c", "d"], ["a", "b"]]
    thread.stop()


def test_stop_before_start_ends_what_waited():
    thread = kettle_thread(Kettle())
    future = thread.submit("a")
    thread.stop()
    thread.start()
    with pytest.raises(Stopping, match="was stopped"):
        future.result(0)


def test_a_cancelled_item_is_never_begun():
    kettle = Kettle()
    thread = kettle_thread(kettle, batch=2)
    cancelled, kept = thread.submit("no"), thread.submit("yes")
    assert cancelled.cancel()
    thread.start()
    assert kept.result(20) == "YES"
    assert kettle.calls == [["yes"]]
    thread.stop()


def test_waiting_for_a_model_that_loads_too_long_says_so():
    gate = threading.Event()
    thread = ModelThread[bool, str, str]("slow model", lambda: gate.wait(20), lambda _, items: list(items))
    thread.start()
    with pytest.raises(NotReady, match="slow model is still loading"):
        thread.wait(0.01)
    gate.set()
    thread.wait(20)
    assert thread.state is ModelState.READY
    thread.stop()


def test_an_error_can_be_a_result_at_every_point_where_one_may_happen():
    kettle = Kettle()
    thread = kettle_thread(kettle, batch=2)
    futures = [thread.submit("bad", on_error=str), thread.submit("a", on_error=str)]
    thread.start()
    assert [future.result(20) for future in futures] == ["bad item", "A"]

    held = thread.submit("hold")
    while ["hold"] not in kettle.calls:
        threading.Event().wait(0.001)
    waiting = thread.submit("b", on_error=str)
    threading.Timer(0.05, kettle.may_go_on.set).start()
    thread.stop()
    held.result(0)
    for future in (waiting, thread.submit("c", on_error=str)):
        assert "was stopped" in future.result(0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(NotReady("Still loading."), "Still loading.", id="our own words"),
        pytest.param(
            OSError("/root/secret/place is gone"), "No luck (OSError); the log says more.", id="a library's"
        ),
    ],
)
def test_what_is_shown_of_an_error_holds_no_path(error: Exception, words: str, caplog):
    assert sentence_of(error, "No luck") == words
    assert ("/root/secret/place" in caplog.text) == isinstance(error, OSError)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_model_that_never_answers_is_given_up_and_everybody_who_waits_is_told(
    threads: int, caplog: pytest.LogCaptureFixture
) -> None:
    kettle = Kettle()
    thread = ModelThread("kettle", lambda: kettle, Kettle.boil, threads=threads, limit_s=0.2)
    thread.start()
    held = [thread.submit("hold") for _ in range(threads)]
    waiting = [thread.submit("a"), thread.submit("b", on_error=str)]
    words = "The kettle has not answered for 0.2 s and was given up."
    for future in [*held, waiting[0]]:
        with pytest.raises(UnexpectedFailure, match=re.escape(words)):
            future.result(20)
    assert waiting[1].result(20) == words
    with pytest.raises(UnexpectedFailure, match="not answered"):
        thread.submit("too late").result(20)
    assert (thread.state, str(thread.failure)) == (ModelState.FAILED, words)
    assert "in boil" in caplog.text, "the log says where it stands"
    thread.stop()  # does not wait for the one that never comes back
    kettle.may_go_on.set()


def test_a_call_that_began_later_is_watched_too_after_the_model_was_given_up() -> None:
    kettle = Kettle()
    thread = ModelThread("kettle", lambda: kettle, Kettle.boil, threads=2, limit_s=0.3)
    thread.start()
    held = [thread.submit("hold")]
    while not kettle.calls:
        threading.Event().wait(0.001)
    threading.Event().wait(0.2)
    held.append(thread.submit("hold"))
    for future in held:
        with pytest.raises(UnexpectedFailure, match="not answered"):
            future.result(10)
    thread.stop()
    kettle.may_go_on.set()


def test_a_slow_answer_within_the_limit_is_an_answer() -> None:
    kettle = Kettle()
    thread = ModelThread("kettle", lambda: kettle, Kettle.boil, limit_s=20)
    thread.start()
    held = thread.submit("hold")
    threading.Timer(0.3, kettle.may_go_on.set).start()
    assert held.result(20) == "HOLD"
    assert thread.submit("a").result(20) == "A"
    thread.stop()


def test_a_model_that_failed_before_its_watch_began_keeps_nobody_waiting():
    def fail() -> str:
        raise SettingsWrong("No such model.")

    thread = ModelThread[str, str, str]("late watch", fail, lambda _, items: list(items))
    thread._run()
    watch = threading.Thread(target=thread._watch, daemon=True)
    watch.start()
    watch.join(20)
    assert not watch.is_alive(), "it sleeps over what has happened"


def test_who_is_refused_by_a_model_that_failed_can_ask_at_once_whether_it_failed():
    """Else its readers look well for a moment, and are not built again when they are due."""

    def build() -> Kettle:
        raise SettingsWrong("no water")

    thread = ModelThread[Kettle, str, str]("kettle", build, Kettle.boil)
    known: list[object] = []
    future = thread.submit("tea")
    future.add_done_callback(lambda _: known.append(thread.failure))
    thread.start()
    with pytest.raises(SettingsWrong):
        future.result(20)
    thread.stop()
    assert [str(failure) for failure in known] == ["no water"]
