"""What the server keeps up against clients that are slow, many, lost or hostile: real processes and sockets.

Seconds here are capabilities (it answers at all, though hundreds hang), generous for a busy machine.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import psutil
import pytest
import requests

from backend.readers.stored import ReadingStore
from tests.parts.backend_process import RunningBackend, backend_process, free_port, variables
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import StandIn
from tests.parts.scripted import CONFIG

SMALL = (sys.executable, "-m", "tests.parts.small_backend", "--port", "{port}")
MIB = 1024**2
SIGNED = "Basic " + base64.b64encode(b"ls:hunter2").decode()


@contextlib.contextmanager
def small_backend(folder: Path, **values: object) -> Iterator[RunningBackend]:
    with backend_process(folder, command=SMALL, **values) as backend:
        backend.quiet = True
        yield backend


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    """A backend that wants a password, with low limits."""
    with small_backend(
        tmp_path_factory.mktemp("signed"),
        basic_auth_user="ls",
        basic_auth_pass="hunter2",
        max_request_bytes=8 * MIB,
        request_timeout_s=2,
    ) as backend:
        yield backend


@contextlib.contextmanager
def connections(backend: RunningBackend, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    """Clients that have sent `first` and nothing more."""
    port = int(backend.url.rpartition(":")[2])
    made = []
    try:
        for _ in range(count):
            made.append(socket.socket())
            # small, so that a client that takes little lets little come
            made[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            made[-1].settimeout(10)
            made[-1].connect(("127.0.0.1", port))
            made[-1].sendall(first)
        yield made
    finally:
        for one in made:
            one.close()


def header(method: str = "POST", path: str = "/predict", **more: str) -> bytes:
    fields = {"Host": "localhost", "Content-Type": "application/json", "Authorization": SIGNED, **more}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def answer_to(backend: RunningBackend, request: bytes | Sequence[bytes], limit_s: float = 20) -> str:
    """All that comes back until the connection is closed; nothing where it is reset."""
    with connections(backend, 1, b"") as (one,):
        one.settimeout(limit_s)
        with contextlib.suppress(ConnectionError):
            for piece in [request] if isinstance(request, bytes) else request:
                one.sendall(piece)
        came = b""
        with contextlib.suppress(ConnectionError):
            while piece := one.recv(65536):
                came += piece
    return came.decode("latin-1")


def status_and_sentence(answer: str) -> tuple[int, str]:
    """Of a refusal: its sentence stands in the reason phrase, all that people see, and in the body."""
    head, _, body = answer.partition("\r\n\r\n")
    _, status, phrase = head.split("\r\n")[0].split(" ", 2)
    sentence = json.loads(body)["error"]
    assert phrase == sentence
    return int(status), sentence


def peak_memory(backend: RunningBackend) -> float:
    """The most that the process ever had in memory, MiB."""
    text = Path(f"/proc/{backend.process.pid}/status").read_text("utf-8")
    return int(text.split("VmHWM:")[1].split()[0]) / 1024


def predict_body(*references: str) -> dict[str, object]:
    tasks = [{"id": number, "data": {"image": reference}} for number, reference in enumerate(references, 1)]
    return {"tasks": tasks, "label_config": CONFIG, "project": "1.1", "params": {"context": None}}


def predict_request(*references: str, **more: str) -> bytes:
    body = json.dumps(predict_body(*references)).encode()
    return header(Content_Length=str(len(body)), **more) + body


CHUNKED = {"Transfer_Encoding": "chunked"}


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        pytest.param(
            header(Content_Length=str(8 * MIB + 1)), 413, "over 8388608 bytes", id="a length over the limit"
        ),
        pytest.param(header(Content_Length="9" * 5000), 400, "no HTTP request", id="5,000 digits"),
        pytest.param(
            header(path="/webhook", Content_Length=str(MIB + 1)), 413, "MAX_WEBHOOK_BYTES", id="webhook"
        ),
        pytest.param(
            header(Content_Length="1000000", Expect="100-continue", Authorization=""), 401, "Sign in",
            id="a stranger's body is not asked for",
        ),
        pytest.param(
            header(Content_Length="1000000", Content_Type="text/plain"), 415, "must be JSON", id="no JSON"
        ),
        pytest.param(
            header(Content_Length="1000000", Origin="http://evil.example"), 403, "Web pages", id="a web page"
        ),
        pytest.param(header(**CHUNKED) + b"zz\r\n", 400, "no HTTP request", id="a bad chunk size"),
        pytest.param(header(**CHUNKED) + b"5" * 5000, 400, "no HTTP request", id="a chunk size without end"),
        pytest.param(header(Content_Length="-1"), 400, "no HTTP request", id="a negative length"),
        pytest.param(header(Transfer_Encoding="gzip"), 501, "only 'chunked'", id="another transfer encoding"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "no HTTP request", id="TLS"),
        pytest.param(b"GET http://[ HTTP/1.1\r\n\r\n", 400, "no HTTP request", id="an address that is none"),
        pytest.param(header(X="y" * 70_000), 431, "over 64 KiB", id="a header without end"),
        pytest.param(header("GET", "/status", Authorization="Basic \xff\xfe"), 401, "Sign in", id="sign-in"),
        pytest.param(
            header("GET", "/health", Authorization="Basic \xff\xfe", Connection="close"), 401, "Sign in",
            id="a sign-in that is none, to what is open to all",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_is_one_sentence_and_its_body_is_never_received(
    signed: RunningBackend, request_: bytes, status: int, sentence: str
) -> None:
    request_ = request_.replace(b"Host: localhost", b"Host: localhost\r\nConnection: close")
    before, counted = signed.log, counted_with(signed, status)
    came = status_and_sentence(answer_to(signed, request_))
    assert came[0] == status
    assert sentence in came[1]
    assert signed.log == before, "what strangers send must not fill the log"
    assert counted_with(signed, status) == counted + 1


def counted_with(backend: RunningBackend, status: int) -> float:
    """Answers of any route that were counted with a status."""
    counted = re.findall(
        rf'^twinread_http_requests_total{{.*status="{status}"}} (.*)$', backend.get("/metrics").text, re.M
    )
    return sum(map(float, counted))


def test_a_body_over_the_limit_is_refused_whole_in_chunks_and_costs_no_memory(signed: RunningBackend) -> None:
    before = peak_memory(signed)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunks = [header(**CHUNKED), *[chunk] * 1600]
    assert status_and_sentence(answer_to(signed, chunks))[0] == 413
    # Label Studio's client sends the whole body before it looks for an answer
    for kind, status in (("text/plain", 415), ("application/json", 413)):
        answer = requests.post(
            signed.url + "/predict", data=b" " * 100 * MIB, auth=signed.auth, headers={"Content-Type": kind}
        )
        assert answer.status_code == status
    assert "MAX_REQUEST_BYTES" in answer.reason
    assert peak_memory(signed) - before < 30


def test_a_body_that_unpacks_fifty_times_is_refused_before_it_does(signed: RunningBackend) -> None:
    before = peak_memory(signed)
    body = b'{"tasks": [' + b"{}," * 2_700_000 + b'{}], "label_config": ""}'
    answer = httpx.post(
        signed.url + "/predict", content=body, auth=signed.auth, trust_env=False,
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 413
    assert "over 1048576 values" in answer.json()["error"]
    assert peak_memory(signed) - before < 60


def test_bodies_that_are_here_together_are_bounded_and_their_bytes_given_back(signed: RunningBackend) -> None:
    almost = header(Content_Length=str(8 * MIB), Connection="close") + b" " * (8 * MIB - 1)
    with contextlib.ExitStack() as clients:
        for _ in range(4):
            clients.enter_context(connections(signed, 1, almost))
        answer = answer_to(signed, almost)
        assert status_and_sentence(answer)[0] == 503
        assert "Retry-After: 5" in answer
        # a page that somebody opens is let in all the same
        assert answer_to(signed, predict_request("/page", Connection="close")).startswith("HTTP/1.1 200 OK")
    # those that were cut off and those that were worked on are gone
    for _ in range(6):
        answer = answer_to(signed, [almost, b" "])
        assert status_and_sentence(answer) == (400, "The body is not JSON.")


@pytest.mark.parametrize(
    ("first", "more"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"POST /predict HTTP/1.1\r\nHost: loc", b"", id="half a header"),
        pytest.param(header(Content_Length="100") + b"{", b"", id="half a body"),
        pytest.param(header(Content_Length="100") + b"{", b" ", id="a byte now and then"),
    ],
)
def test_a_client_that_does_not_send_its_request_in_time_loses_its_connection(
    signed: RunningBackend, first: bytes, more: bytes
) -> None:
    with connections(signed, 1, first) as (one,):
        end = time.monotonic() + 20
        one.settimeout(0.25)
        ended = False
        while not ended:
            assert time.monotonic() < end, "the connection is still open"
            try:
                if more:
                    one.sendall(more)
                ended = not one.recv(1000)
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True


def test_health_and_metrics_answer_while_500_connections_hang(tmp_path: Path) -> None:
    with small_backend(tmp_path, request_timeout_s=60) as backend:
        body = header(Content_Length="1000", Authorization="") + b"{"
        with (
            connections(backend, 250, b"GET /health HTTP/1.1\r\nHos"),
            connections(backend, 250, body),
        ):
            for path in ("/health", "/metrics"):
                answer = httpx.get(backend.url + path, timeout=5, trust_env=False)
                assert answer.status_code == 200
            assert backend.predict([{"id": 1, "data": {"image": "/page"}}], CONFIG)[0]["result"]


def test_health_and_metrics_answer_while_500_predicts_wait_and_sigterm_answers_them(tmp_path: Path) -> None:
    with small_backend(tmp_path, predict_deadline_s=100) as backend, contextlib.ExitStack() as clients:
        asked = [
            clients.enter_context(connections(backend, 1, predict_request(f"/hang-{number}")))[0]
            for number in range(500)
        ]

        def answered() -> list[socket.socket]:
            return select.select(asked, [], [], 0)[0]

        backend.wait_until(lambda: len(answered()) == 500 - 224, "224 wait and 276 are refused")
        for path in ("/health", "/metrics", "/status"):
            assert httpx.get(backend.url + path, timeout=5, trust_env=False).status_code == 200
        refused = httpx.post(backend.url + "/predict", json=predict_body("/page"), trust_env=False)
        assert refused.status_code == 503
        assert "ask again in a minute" in refused.reason_phrase
        assert refused.headers["Retry-After"] == "60"
        begun = time.monotonic()
        backend.process.terminate()
        assert backend.process.wait(20) == 0
        assert time.monotonic() - begun < 12, "a supervisor would have killed it"
        said = [one.recv(400) for one in asked]
        assert sum(b"503 Too many requests wait" in words for words in said) == 276
        # of the rest, empty results to be asked for again; pages in work may be cut off
        assert sum(words.startswith(b"HTTP/1.1 200 OK") for words in said) >= 224 - 6
        assert "Traceback" not in backend.log


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        pytest.param([signal.SIGTERM], 0, id="SIGTERM"),
        pytest.param([signal.SIGTERM, signal.SIGTERM], 0, id="a supervisor that repeats itself"),
        pytest.param([signal.SIGINT], 0, id="Ctrl-C"),
        pytest.param([signal.SIGINT, signal.SIGINT], 130, id="Ctrl-C twice, with work in hand"),
    ],
)
def test_signals_end_it_in_order(tmp_path: Path, signals: list[signal.Signals], code: int) -> None:
    with small_backend(tmp_path, stop_s=2) as backend:
        threading.Thread(target=_ask, args=(backend.url, "/mute"), daemon=True).start()
        backend.wait_until(lambda: backend.status()["pages_in_flight"] == 1, "a page is in work")
        time.sleep(0.5)  # so that it is searched
        for number in signals:
            backend.process.send_signal(number)
            time.sleep(0.1)
        assert backend.process.wait(15) == code
        assert "Traceback" not in backend.log


def _ask(url: str, reference: str) -> None:
    with contextlib.suppress(httpx.TransportError):
        httpx.post(url + "/predict", json=predict_body(reference), timeout=60, trust_env=False)


@pytest.mark.parametrize(
    "piece", [pytest.param(0, id="nothing"), pytest.param(131_072, id="now and then a bit")]
)
def test_a_client_that_does_not_take_its_answer_in_time_loses_its_connection(
    tmp_path: Path, piece: int
) -> None:
    # what somebody drew that is no box of ours comes back as it is: ten megabytes
    stroke = {"id": "a", "type": "brush", "from_name": "other", "to_name": "image"}
    drawn = [{**stroke, "value": {"text": ["x" * 10_000_000]}}]
    body = json.dumps({**predict_body("/page"), "params": {"context": {"result": drawn}}}).encode()
    with small_backend(tmp_path, request_timeout_s=4) as backend:
        process = psutil.Process(backend.process.pid)
        with connections(backend, 1, header(Content_Length=str(len(body))) + body) as (one,):
            backend.wait_until(lambda: len(process.net_connections()) == 2, "it listens, and was asked")
            end, came = time.monotonic() + 40, 0
            while len(process.net_connections()) == 2:
                assert time.monotonic() < end, "the connection is still open"
                came += len(one.recv(piece)) if piece else 0
                time.sleep(0.25)
            one.settimeout(20)
            with contextlib.suppress(ConnectionError):
                while more := one.recv(65536):
                    came += len(more)
        assert 500_000 < came < 10_000_000
        assert backend.get("/health").status_code == 200


def test_ordinary_clients_are_served_as_http_says(signed: RunningBackend) -> None:
    body = json.dumps(predict_body("/page")).encode()
    pieces = b"".join(b"%x\r\n%s\r\n" % (1, body[at : at + 1]) for at in range(len(body)))
    chunked = answer_to(signed, header(Connection="close", **CHUNKED) + pieces + b"0\r\n\r\n")
    assert chunked.startswith("HTTP/1.1 200 OK")
    one = predict_request("/page")
    last = predict_request("/page", Connection="close")
    assert answer_to(signed, one * 4 + last).count("HTTP/1.1 200 OK") == 5
    asked_first = predict_request("/page", Connection="close", Expect="100-continue")
    assert answer_to(signed, asked_first).startswith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_sigterm_under_load_answers_who_waits_and_loses_no_reading_that_was_paid_for(tmp_path: Path) -> None:
    ernie = StandIn(latency_s=0.3)
    address = f"sqlite:///{tmp_path / 'readings.sqlite3'}"
    settings = {"ocr_language": "ru", "store_url": address, "ernie_model": ernie.model, "witness": "off"}
    with ernie.running(), backend_process(tmp_path, ernie_base_url=ernie.base_url, **settings) as backend:
        pages = [file_of(drawn_page([f"Лист {number}"], (320, 96))[0]) for number in range(60)]
        urls = [f"data:image/png;base64,{base64.b64encode(page).decode()}" for page in pages]
        requests = [predict_request(*urls[first::6]) for first in range(6)]
        with contextlib.ExitStack() as clients:
            asked = [clients.enter_context(connections(backend, 1, request))[0] for request in requests]
            backend.wait_until(lambda: ernie.answered >= 20, "some readings came, others are in flight")
            came = ernie.answered
            backend.process.terminate()
            assert backend.process.wait(20) == 0
            # with what was there, and empty results to be asked for again
            assert [one.recv(15) for one in asked] == [b"HTTP/1.1 200 OK"] * 6
    store = ReadingStore(address)
    stored = store.count()
    store.close()
    assert 20 <= came <= stored <= ernie.calls < 120


@pytest.mark.parametrize(
    ("host", "values", "sentence"),
    [
        pytest.param("0.0.0.0", {}, "BASIC_AUTH_USER and BASIC_AUTH_PASS", id="every address, no password"),
        pytest.param("::", {}, "or ALLOW_NO_PASSWORD=true", id="every address of IPv6"),
        pytest.param("192.0.2.1", {}, "Cannot listen on 192.0.2.1", id="another machine's address"),
    ],
)
def test_without_a_password_it_does_not_show_itself_to_other_machines(
    tmp_path: Path, host: str, values: dict[str, object], sentence: str
) -> None:
    command = [sys.executable, "-m", "backend", "serve", "--host", host, "--port", str(free_port())]
    done = subprocess.run(
        command, cwd=tmp_path, env=variables(tmp_path, values), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_taken_port_is_one_sentence_before_models_load(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "backend", "serve", "--port", port],
            cwd=tmp_path, env=variables(tmp_path, {}), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert "choose another with --port" in done.stderr
