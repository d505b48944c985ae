from __future__ import annotations

import base64
import json
import logging
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from pydantic import SecretStr

from backend.errors import (
    BadImage,
    ImageRefused,
    ImageUnreachable,
    LabelStudioFailed,
    SettingsWrong,
    TwinreadError,
)
from backend.fetching.sources import SourceLimits, Sources
from backend.label_studio.client import LabelStudio
from tests.parts.http_script import Handler, HttpScript, redirects_to, says, serving

KEY = "0123456789abcdef0123456789abcdef01234567"
IMAGE = b"\x89PNG and the rest"


@pytest.fixture
def label_studio() -> Iterator[HttpScript]:
    """Stands in for Label Studio; the real one has its turn in end_to_end."""
    with serving() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[HttpScript]:
    """Another machine on a private address; not even the same loopback address."""
    with serving(host="127.0.0.2") as server:
        yield server


def sources(label_studio: HttpScript | None, *allowed: str, **options: Any) -> Sources:
    limits = {"total_s": 5, "read_s": 2, **options.pop("limits", {})}
    api = None
    if label_studio is not None:
        api = LabelStudio(label_studio.url + options.pop("prefix", ""), SecretStr(KEY))
    return Sources(api, SourceLimits(allowed_hosts=allowed, **limits), **options)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param("/data/upload/1/ab-%D0%B0%20b.png", id="upload"),
        pytest.param("{url}/data/upload/1/ab-%D0%B0%20b.png", id="upload, with Label Studio's address"),
        pytest.param("/data/upload/1/ab-а b.png", id="upload, not encoded"),
    ],
)
def test_uploads_are_asked_for_with_our_key(label_studio: HttpScript, reference: str) -> None:
    label_studio.scripts["/data/upload/1/ab-%D0%B0%20b.png"] = says(IMAGE)

    content = sources(label_studio).fetch(reference.format(url=label_studio.url), task_id=1)

    assert content == IMAGE
    assert label_studio.requests[0].headers["Authorization"] == f"Token {KEY}"


def test_local_files_keep_their_query(label_studio: HttpScript) -> None:
    label_studio.scripts["/data/local-files/"] = says(IMAGE)

    sources(label_studio).fetch("/data/local-files/?d=ds/%D0%BF%201.png", task_id=1)

    assert label_studio.requests[0].path == "/data/local-files/?d=ds/%D0%BF%201.png"


@pytest.mark.parametrize(
    ("reference", "prefix", "asked"),
    [
        pytest.param("//data/upload/1/a.png", "", "/data/upload/1/a.png", id="two slashes"),
        pytest.param("{url}//data/upload/1/a.png", "", "/data/upload/1/a.png", id="two slashes, address"),
        pytest.param("data/upload/1/a.png", "", "/data/upload/1/a.png", id="no first slash"),
        pytest.param("  /data/upload/1/a.png\n", "", "/data/upload/1/a.png", id="blanks around it"),
        pytest.param("\u00a0{url}/data/upload/1/a.png ", "", "/data/upload/1/a.png", id="around an address"),
        pytest.param(
            "/label-studio/data/upload/1/a.png",
            "",
            "/data/upload/1/a.png",
            id="below a path",
        ),
        pytest.param(
            "/label-studio/data/local-files/?d=a.png",
            "",
            "/data/local-files/?d=a.png",
            id="a file there",
        ),
        pytest.param(
            "/label-studio//data/upload/1/a.png",
            "/ls",
            "/ls/data/upload/1/a.png",
            id="below another path",
        ),
        pytest.param("{url}/ls//data/upload/1/a.png", "/ls", "/ls/data/upload/1/a.png", id="both at once"),
    ],
)
def test_label_studios_files_are_found_however_their_address_was_put_together(
    label_studio: HttpScript, reference: str, prefix: str, asked: str
) -> None:
    label_studio.scripts[asked.partition("?")[0]] = says(IMAGE)

    found = sources(label_studio, prefix=prefix).fetch(reference.format(url=label_studio.url), task_id=1)

    assert found == IMAGE
    assert [(r.path, r.headers["Authorization"]) for r in label_studio.requests] == [(asked, f"Token {KEY}")]


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param("data:image/png;base64," + base64.b64encode(IMAGE).decode(), id="base64"),
        pytest.param(
            " DATA:image/png;name=a.png;BASE64," + "\n".join(base64.b64encode(IMAGE).decode()), id="in lines"
        ),
        pytest.param("data:image/png;base64," + quote(base64.b64encode(IMAGE)), id="base64 in percent codes"),
        pytest.param("data:image/png," + quote(IMAGE), id="percent codes"),
    ],
)
def test_an_image_that_is_written_into_the_task_is_read_without_a_network(reference: str) -> None:
    assert sources(None).fetch(reference, task_id=None) == IMAGE


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        pytest.param("data:image/png;base64,", "is empty", id="empty"),
        pytest.param("data:image/png;base64," + "AAAA" * 10, "larger than", id="too large"),
        pytest.param("data:image/png;base64," + "AAAA" * 100, "larger than", id="far too large"),
    ],
)
def test_an_image_that_is_written_into_the_task_has_the_limits_of_others(reference: str, words: str) -> None:
    with pytest.raises(BadImage, match=words):
        sources(None, limits={"max_bytes": 20}).fetch(reference, task_id=None)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        pytest.param("C:\\scans\\a.png", "a path on somebody's machine", id="Windows path"),
        pytest.param("d:/scans/a.png", "a path on somebody's machine", id="Windows path with slashes"),
        pytest.param("file:///C:/scans/a.png", "a path on somebody's machine", id="file"),
        pytest.param("\\\\server\\scans\\a.png", "opens no files by path", id="Windows share"),
        pytest.param("//cdn.example.org/a.png", "with https: before it", id="no scheme"),
        pytest.param("data:image/png;base64,AAA", "damaged or cut off", id="cut off"),
    ],
)
def test_a_reference_that_cannot_be_followed_says_what_helps(reference: str, words: str) -> None:
    with pytest.raises(ImageRefused, match=words):
        sources(None).fetch(reference, task_id=1)


def test_label_studio_below_a_path(label_studio: HttpScript) -> None:
    label_studio.scripts["/ls/data/upload/1/a.png"] = says(IMAGE)
    images = sources(label_studio, prefix="/ls")

    assert images.fetch("/data/upload/1/a.png", task_id=1) == IMAGE
    assert images.fetch("/ls/data/upload/1/a.png", task_id=1) == IMAGE
    assert [r.headers["Authorization"] for r in label_studio.requests] == [f"Token {KEY}"] * 2


def test_cloud_objects_are_resolved_by_label_studio_for_their_task(
    label_studio: HttpScript, elsewhere: HttpScript
) -> None:
    label_studio.scripts["/tasks/7/resolve/"] = redirects_to(f"{elsewhere.url}/signed?Signature=s", 303)
    elsewhere.scripts["/signed"] = says(IMAGE)
    reference = "s3://bucket/сканы/a b.png"

    assert sources(label_studio, "127.0.0.2").fetch(reference, task_id=7) == IMAGE

    encoded = label_studio.requests[0].path.partition("?fileuri=")[2]
    assert base64.urlsafe_b64decode(encoded.replace("%3D", "=")).decode() == reference
    assert "Authorization" not in elsewhere.requests[0].headers
    assert elsewhere.requests[0].path == "/signed?Signature=s"


def test_cloud_objects_need_a_task() -> None:
    with serving() as server, pytest.raises(ImageRefused, match="no id"):
        sources(server).fetch("gs://bucket/a.png", task_id=None)


def test_without_a_key_label_studio_files_say_what_to_set() -> None:
    with pytest.raises(SettingsWrong, match="LABEL_STUDIO_API_KEY"):
        sources(None).fetch("/data/upload/1/a.png", task_id=1)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("FILE:/etc/passwd", id="file in capitals"),
        pytest.param("data:image/png;base64,iVBORw0KGgo", id="an image in the task, cut off"),
        pytest.param("data:image/png;base64,\ud800", id="an image in the task, half a character"),
        pytest.param("ftp://host/a.png", id="ftp"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("/etc/passwd", id="absolute path"),
        pytest.param("scans/a.png", id="relative path"),
        pytest.param("C:\\scans\\a.png", id="Windows path"),
        pytest.param("//host/a.png", id="no scheme"),
        pytest.param("", id="empty"),
        pytest.param("http://", id="no host"),
        pytest.param("http://host\n/a.png", id="line break"),
        pytest.param("http://me:hunter2@host/a.png", id="password"),
        pytest.param("/data/local-files/?d=../../etc/passwd", id="climbs in a local file"),
        pytest.param("/data/local-files/?d=ds/%2e%2e/x", id="climbs, encoded"),
        pytest.param("/data/local-files/?d=ds%2F%252e%252e%2Fx", id="climbs, encoded twice"),
        pytest.param("/data/local-files/?d=ds\\..\\x", id="climbs with backslashes"),
        pytest.param("/data/upload/../../api/projects/", id="climbs out of the uploads"),
        pytest.param("/data/upload/%2e%2e/%2e%2e/api/projects/", id="climbs out, encoded"),
        pytest.param("{url}/data/upload/../../api/projects/", id="climbs out, with the address"),
        pytest.param("/api/projects/", id="the API"),
        pytest.param("http://host/\ud800.png", id="half a surrogate pair"),
        pytest.param("s3://bucket/\ud800.png", id="half a surrogate pair in cloud storage"),
        pytest.param("http://xn--/a.png", id="a coded name without a code"),
    ],
)
def test_references_that_may_not_be_followed_ask_nobody(label_studio: HttpScript, reference: str) -> None:
    images, asked = sources(label_studio), reference.format(url=label_studio.url)
    # a page is queued by its host before it is fetched, and its neighbours with it: nothing may fail there
    assert isinstance(images.host(asked), str)
    assert images.at_hand(asked, task_id=1) in (False, True)
    with pytest.raises(ImageRefused) as caught:
        images.fetch(asked, task_id=1)

    assert label_studio.requests == []
    assert "hunter2" not in str(caught.value)


def test_our_key_is_shown_for_files_of_label_studio_alone(
    label_studio: HttpScript, elsewhere: HttpScript
) -> None:
    for server in (label_studio, elsewhere):
        server.scripts["/api/projects/"] = says(b"{}")
        server.scripts["/data/upload/1/a.png"] = says(IMAGE)
    label_studio.scripts["/data/upload/1/moved.png"] = redirects_to(f"{elsewhere.url}/data/upload/1/a.png")
    images = sources(label_studio, "127.0.0.2", "localhost")

    images.fetch(f"{label_studio.url}/api/projects/", task_id=1)
    images.fetch(f"{elsewhere.url}/data/upload/1/a.png", task_id=1)
    images.fetch("/data/upload/1/moved.png", task_id=1)
    images.fetch(f"http://localhost:{label_studio.port}/data/upload/1/a.png", task_id=1)

    shown = [(r.path, "Authorization" in r.headers) for r in label_studio.requests + elsewhere.requests]
    assert shown == [
        ("/api/projects/", False),
        ("/data/upload/1/moved.png", True),
        ("/data/upload/1/a.png", False),  # as localhost, which is another origin
        ("/data/upload/1/a.png", False),
        ("/data/upload/1/a.png", False),
    ]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("http://127.0.0.2:{port}/a.png", id="private address"),
        pytest.param("http://2130706434:{port}/a.png", id="private address as a number"),
        pytest.param("http://[::ffff:127.0.0.2]:{port}/a.png", id="private address mapped into IPv6"),
        pytest.param("//127.0.0.2:{port}/a.png", id="without a scheme"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("http://me:hunter2@127.0.0.2:{port}/a.png", id="password"),
        pytest.param("http://[::1", id="not an address"),
        pytest.param("/data/local-files/?d=../x", id="climbs"),
    ],
)
def test_redirects_are_checked_like_references(
    label_studio: HttpScript, elsewhere: HttpScript, target: str
) -> None:
    elsewhere.scripts["/a.png"] = says(IMAGE)
    label_studio.scripts["/data/upload/1/a.png"] = redirects_to(target.format(port=elsewhere.port))

    with pytest.raises(ImageRefused):
        sources(label_studio).fetch("/data/upload/1/a.png", task_id=1)
    assert elsewhere.requests == []
    assert len(label_studio.requests) == 1


def test_another_port_of_label_studios_host_is_not_label_studio(label_studio: HttpScript) -> None:
    with serving({"/a.png": says(IMAGE)}) as neighbour:
        with pytest.raises(ImageRefused, match="ALLOWED_IMAGE_HOSTS"):
            sources(label_studio).fetch(f"{neighbour.url}/a.png", task_id=1)
        assert neighbour.requests == []


def test_a_name_that_turns_private_later_is_refused(elsewhere: HttpScript) -> None:
    elsewhere.scripts["/a.png"] = says(IMAGE)
    looked_up: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.2"] if len(looked_up) == 1 else ["127.0.0.3"]

    images = sources(None, "127.0.0.2/32", resolver=resolver)
    reference = f"http://images.example:{elsewhere.port}/a.png"

    assert images.fetch(reference, task_id=1) == IMAGE
    assert looked_up == ["images.example"]
    with pytest.raises(ImageRefused, match=r"images\.example, which has a private address"):
        images.fetch(reference, task_id=1)


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        pytest.param("/data/upload/1/a.png", "", id="upload"),
        pytest.param("s3://bucket/a.png", "", id="cloud storage, which Label Studio opens"),
        pytest.param("http://127.0.0.1:{port}/data/upload/1/a.png", "", id="Label Studio by its address"),
        pytest.param(" https://Images.Example/a.png?b", "images.example", id="another host"),
        pytest.param("https://images.example:8443/a.png", "images.example", id="another port of it"),
        pytest.param("data:image/png;base64,AAAA", "data:", id="written into the task"),
        pytest.param("http://\ud800/a.png", "", id="no address"),
    ],
)
def test_the_limit_of_a_host_knows_whom_an_image_is_asked_of(
    reference: str, host: str, label_studio: HttpScript
) -> None:
    assert sources(label_studio).host(reference.replace("{port}", str(label_studio.port))) == host


def test_an_image_is_at_hand_once_it_was_fetched_and_while_it_may_be_used(
    label_studio: HttpScript, elsewhere: HttpScript, tmp_path: Path
) -> None:
    upload, other = "/data/upload/1/a.png", f"{elsewhere.url}/a.png"
    label_studio.scripts[upload] = elsewhere.scripts["/a.png"] = says(IMAGE)
    images = sources(label_studio, "127.0.0.2", cache_dir=tmp_path)
    aged = sources(label_studio, "127.0.0.2", cache_dir=tmp_path, limits={"keep_s": 0})
    assert [images.at_hand(one, task_id=1) for one in (upload, other)] == [False, False]
    for one in (upload, other):
        images.fetch(one, task_id=1)
    assert [images.at_hand(one, task_id=1) for one in (upload, other)] == [True, True]
    # an upload never changes, any other image may
    assert [aged.at_hand(one, task_id=1) for one in (upload, other)] == [True, False]
    assert not sources(label_studio).at_hand(upload, task_id=1), "nothing is kept"
    assert images.at_hand("data:image/png;base64,AAAA", task_id=1)
    assert images.at_hand("file:///etc/passwd", task_id=1), "refused without asking anybody"


def drips(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(2000):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.002)


def drips_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(2000):
        handler.wfile.write(f"X-{number}: x\r\n".encode())
        handler.wfile.flush()
        time.sleep(0.002)


def never_ends(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 10_000)


def promises_more(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "900")
    handler.end_headers()
    handler.wfile.write(IMAGE)


def announces_much(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "10000000000")
    handler.end_headers()
    silent(handler)


def silent(handler: Handler) -> None:
    handler.rfile.read(1)  # until the client has had enough


FAULTS = [
    pytest.param(drips, ImageUnreachable, "too slow", id="drips"),
    pytest.param(drips_headers, ImageUnreachable, "too slow", id="drips headers"),
    pytest.param(silent, ImageUnreachable, "too slow", id="silent"),
    pytest.param(never_ends, BadImage, r"larger than 0\.0009995 MiB.*MAX_IMAGE_BYTES", id="never ends"),
    pytest.param(says(b"x" * 1049), BadImage, "larger than", id="one byte too many"),
    pytest.param(announces_much, BadImage, "larger than", id="announces too much"),
    pytest.param(promises_more, ImageUnreachable, "did not give it", id="cut in the middle"),
    pytest.param(says(b"", Content_Length="9x"), ImageUnreachable, "did not give it", id="no length"),
    pytest.param(lambda handler: None, ImageUnreachable, "did not give it", id="cut before the answer"),
    pytest.param(
        lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n"),
        ImageUnreachable,
        "did not give it",
        id="not HTTP",
    ),
    pytest.param(
        lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nSet-Cookie s3cret\r\n\r\n"),
        ImageUnreachable,
        "did not give it .it cut the connection, or sent what is not HTTP",
        id="a bad header line",
    ),
    pytest.param(says(b""), BadImage, "empty", id="empty"),
    pytest.param(says(b"no", 404), ImageUnreachable, "no image.*404", id="not there"),
    pytest.param(says(b"no", 403), ImageUnreachable, "wants a login", id="forbidden"),
    pytest.param(says(b"no", 500), ImageUnreachable, "failed.*500", id="broken"),
    pytest.param(says(b"", 304), ImageUnreachable, "gave no image", id="not modified"),
    pytest.param(
        says(b"<form>", Content_Type="text/html; charset=utf-8"), ImageUnreachable, "web page", id="login"
    ),
    pytest.param(redirects_to("?Signature=s3cret"), ImageRefused, "more than 5 times", id="redirect loop"),
]


@pytest.mark.parametrize(("script", "error", "words"), FAULTS)
def test_every_fault_of_a_server_is_told_apart(
    elsewhere: HttpScript,
    script: Callable[[Handler], None],
    error: type[TwinreadError],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere.scripts["/a.png"] = script
    limits = {"max_bytes": 1048, "total_s": 0.4, "read_s": 0.3}
    caplog.set_level(logging.DEBUG)

    with pytest.raises(error, match=words) as caught:
        sources(None, "127.0.0.2", limits=limits).fetch(f"{elsewhere.url}/a.png?Signature=s3cret", task_id=1)

    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in caplog.text


def test_time_is_counted_over_all_redirects(elsewhere: HttpScript) -> None:
    seconds = [0.0]

    def takes_its_time(handler: Handler) -> None:
        seconds[0] += 31
        handler.answer(302, Location="/b.png")

    elsewhere.scripts["/a.png"] = takes_its_time
    elsewhere.scripts["/b.png"] = says(IMAGE)
    images = sources(None, "127.0.0.2", limits={"total_s": 30}, clock=lambda: seconds[0])

    with pytest.raises(ImageUnreachable, match="30 s in all"):
        images.fetch(f"{elsewhere.url}/a.png", task_id=1)
    assert [request.path for request in elsewhere.requests] == ["/a.png"]


def test_a_server_that_is_down_can_be_told_from_a_name_that_is_unknown(elsewhere: HttpScript) -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    with serving(host="127.0.0.2") as gone:
        url = gone.url
    with pytest.raises(ImageUnreachable, match="refused"):
        sources(None, "127.0.0.2").fetch(f"{url}/a.png", task_id=1)
    with pytest.raises(ImageUnreachable, match="name is unknown"):
        sources(None, resolver=nobody).fetch("http://images.example/a.png", task_id=1)
    # the system's resolver raises UnicodeError for these
    for host in (".example.com", "a..b", "a" * 64 + ".example.com"):
        with pytest.raises(ImageUnreachable, match="name is unknown"):
            sources(None).fetch(f"http://{host}/a.png", task_id=1)


def test_https_is_verified_for_the_name_and_not_for_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("images.example").configure_cert(tls)

    with serving({"/a.png": says(IMAGE)}, host="127.0.0.2", tls=tls) as server:
        images = sources(None, "127.0.0.2", resolver=lambda host, port: ["127.0.0.2"])
        assert images.fetch(f"https://images.example:{server.port}/a.png", task_id=1) == IMAGE
        with pytest.raises(ImageUnreachable, match="certificate"):
            images.fetch(f"https://other.example:{server.port}/a.png", task_id=1)


def test_a_refused_key_is_an_error_with_its_status(label_studio: HttpScript) -> None:
    label_studio.scripts["/data/upload/1/a.png"] = says(b"", 401)

    with pytest.raises(ImageUnreachable, match=r"401.*LABEL_STUDIO_API_KEY") as caught:
        sources(label_studio).fetch("/data/upload/1/a.png", task_id=1)
    assert KEY not in str(caught.value)
    assert len(label_studio.requests) == 1


def test_a_personal_token_that_cannot_be_exchanged_is_told_as_such(label_studio: HttpScript) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"token_type": "refresh"}).encode()).decode().rstrip("=")
    label_studio.scripts["/api/token/refresh/"] = says(b"{}", 401)
    api = LabelStudio(label_studio.url, SecretStr(f"e30.{claims}.c2ln"))

    with api, pytest.raises(LabelStudioFailed, match="revoked"):
        Sources(api, SourceLimits()).fetch("/data/upload/1/a.png", task_id=1)


def test_who_only_fetches_images_never_imports_the_sdk(label_studio: HttpScript) -> None:
    """A worker of `twinread serve`: 20 MiB and 0.2 s of CPU for nothing."""
    label_studio.scripts["/data/upload/1/a.png"] = says(IMAGE)
    code = (
        "import sys; from pydantic import SecretStr;"
        "from backend.fetching.sources import SourceLimits, Sources;"
        "from backend.label_studio.client import LabelStudio;"
        f"images = Sources(LabelStudio({label_studio.url!r}, SecretStr({KEY!r})), SourceLimits());"
        "print(len(images.fetch('/data/upload/1/a.png', task_id=1)), 'label_studio_sdk' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.split() == [str(len(IMAGE)), "False"]


# What is kept


def test_an_upload_is_fetched_once_and_anything_else_again_when_it_may_have_changed(
    label_studio: HttpScript, elsewhere: HttpScript, tmp_path: Path
) -> None:
    label_studio.scripts["/data/upload/1/a.png"] = says(IMAGE)
    label_studio.scripts["/data/local-files/"] = says(IMAGE)
    elsewhere.scripts["/a.png"] = says(IMAGE)
    references = ["/data/upload/1/a.png", "/data/local-files/?d=ds/a.png", f"{elsewhere.url}/a.png"]

    def paths(keep_s: float, folder: str) -> list[str]:
        label_studio.requests.clear()
        elsewhere.requests.clear()
        for _ in range(2):
            images = sources(
                label_studio, "127.0.0.2", limits={"keep_s": keep_s}, cache_dir=tmp_path / folder
            )
            assert [images.fetch(reference, task_id=1) for reference in references] == [IMAGE] * 3
        return [request.path for request in label_studio.requests + elsewhere.requests]

    local = "/data/local-files/?d=ds/a.png"
    assert paths(300, "a") == ["/data/upload/1/a.png", local, "/a.png"]
    assert paths(-1, "b") == ["/data/upload/1/a.png", local, local, "/a.png", "/a.png"]


def test_the_same_cloud_address_of_two_tasks_is_two_images(label_studio: HttpScript, tmp_path: Path) -> None:
    label_studio.scripts["/tasks/1/resolve/"] = says(b"first project")
    label_studio.scripts["/tasks/2/resolve/"] = says(b"second project")
    images = sources(label_studio, cache_dir=tmp_path)

    for _ in range(2):
        assert images.fetch("s3://bucket/a.png", task_id=1) == b"first project"
        assert images.fetch("s3://bucket/a.png", task_id=2) == b"second project"
    assert len(label_studio.requests) == 2


def test_a_failure_is_not_kept(label_studio: HttpScript, tmp_path: Path) -> None:
    images = sources(label_studio, cache_dir=tmp_path)
    for script in (says(b"", 500), says(b""), promises_more):
        label_studio.scripts["/data/upload/1/a.png"] = script
        with pytest.raises(TwinreadError):
            images.fetch("/data/upload/1/a.png", task_id=1)

    label_studio.scripts["/data/upload/1/a.png"] = says(IMAGE)
    assert images.fetch("/data/upload/1/a.png", task_id=1) == IMAGE
