"""Requests that are hardly HTTP, byte for byte."""

from __future__ import annotations

JSON = b"Content-Type: application/json"


def _get(*headers: bytes, target: bytes = b"/health", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"GET %b HTTP/%b" % (target, version), b"Host: x", *headers, b"", b""])


def _post(*headers: bytes, body: bytes = b"{}") -> bytes:
    return b"\r\n".join([b"POST /predict HTTP/1.1", b"Host: x", *headers, b"", body])


CHUNKED = b"Transfer-Encoding: chunked"

RAW = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "credentials that are no text": _get(b"Authorization: Basic \xff\xfe", target=b"/status"),
    "credentials that are no text, /health": _get(b"Authorization: Basic \xff\xfe"),
    "credentials that are no text, /predict": _post(b"Authorization: Basic \xff\xfe", b"Content-Length: 2"),
    "credentials that are no base64": _get(b"Authorization: Basic ====", target=b"/status"),
    "another way to sign in": _get(b"Authorization: Digest a=b", target=b"/status"),
    "a chunk size that is none": _post(CHUNKED, JSON, body=b"zz\r\n{}\r\n"),
    "a negative chunk size": _post(CHUNKED, JSON, body=b"-1\r\n{}\r\n"),
    "a chunk of 2^70 bytes": _post(CHUNKED, JSON, body=b"400000000000000000\r\n{}"),
    "chunks that end early": _post(CHUNKED, JSON, body=b"5\r\n{}"),
    "a length and chunks": _post(b"Content-Length: 2", CHUNKED),
    "two lengths": _post(b"Content-Length: 2", b"Content-Length: 3"),
    "a negative length": _post(b"Content-Length: -2"),
    "a length of letters": _post(b"Content-Length: two"),
    "a length of 5,000 digits": _post(b"Content-Length: " + b"9" * 5000),
    "an unknown encoding": _post(b"Transfer-Encoding: gzip", b"Content-Length: 2"),
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "a header without a colon": _get(b"nonsense"),
    "a header of 1 MB": _get(b"X: " + b"x" * 1_000_000),
    "10,000 headers": _get(*[b"X: y"] * 10_000),
    "a target of 100 kB": _get(target=b"/" + b"x" * 100_000),
    "bytes in the target": _get(target=b"/\xff\xfe%ff%00"),
    "an absolute target": _get(target=b"http://169.254.169.254/"),
    "a target that is no path": _get(target=b"//[::1"),
    "a climbing target": _get(target=b"/../../../../etc/passwd"),
    "an unknown method": _get().replace(b"GET", b"BREW"),
    "HTTP 9": _get(version=b"9.9"),
    "a line feed in a header": _get(b"X: a\nSet-Cookie: b"),
    "a deep body": _post(JSON, b"Content-Length: 2000000", body=b"[" * 2_000_000),
    "an unknown charset": _post(JSON + b"; charset=zz", b"Content-Length: 2"),
    "a body that is no UTF-8": _post(JSON, b"Content-Length: 4", body=b'"\xff\xfe"'),
    "a packed body": _post(JSON, b"Content-Encoding: gzip", b"Content-Length: 4", body=b"\x1f\x8b\x08\0"),
    "an upgrade": _get(b"Upgrade: h2c", b"Connection: Upgrade"),
    "an odd expectation": _post(JSON, b"Expect: 200-maybe", b"Content-Length: 2"),
}
