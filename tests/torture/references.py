"""Image references that try to lead to a private address, to a file, or our key to somebody else."""

# ruff: noqa: SIM905 - a table of words is read more easily without quotes
from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import quote

LABEL_STUDIO = "http://label-studio.test:8080"
LABEL_STUDIO_ADDRESS = "10.9.9.9"
PUBLIC_ADDRESS = "93.184.216.34"
PASSWORD = "hunter2-in-an-address"

NAMES = {
    "label-studio.test": (LABEL_STUDIO_ADDRESS,),
    "public.test": (PUBLIC_ADDRESS,),
    "six.public.test": ("2606:2800:220:1::1",),
    "private.test": ("10.0.0.1",),
    "loopback.test": ("127.0.0.1",),
    "zero.test": ("0.0.0.0",),
    "two.test": ("10.0.0.1", PUBLIC_ADDRESS),
    "six.test": ("fd00::1",),
    "mapped.test": ("::ffff:10.0.0.1",),
    "compatible.test": ("::10.0.0.1",),
    "nat64.test": ("64:ff9b::a00:1",),
    "sixtofour.test": ("2002:a00:1::1",),
    "link.test": ("fe80::1",),
    "metadata.google.internal": ("169.254.169.254",),
    "label-studio.test.public.test": ("10.0.0.1",),
}
CHANGING = {
    "changing.test": (PUBLIC_ADDRESS, "10.0.0.1"),
    "changing-back.test": ("10.0.0.1", PUBLIC_ADDRESS),
    "changing-local.test": (PUBLIC_ADDRESS, "127.0.0.1", "169.254.169.254"),
}

FORBIDDEN_V4 = """
127.0.0.1 127.8.8.8 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 198.18.0.1 192.0.0.192
""".split()
FORBIDDEN_V6 = """
::1 :: 0:0:0:0:0:0:0:1 0000:0000:0000:0000:0000:0000:0000:0001 fd00::1 fd00:ec2::254 fe80::1 fe80::1%25lo
fe80::1%lo fec0::1 ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:0:10.0.0.1
::127.0.0.1 ::a00:1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe::1
2001:0:a00:1:: 2001:0:4136:e378:8000:63bf:f5ff:fffe 100::1 5f00::1
""".split()


def references(canary: Path) -> list[str]:
    """Every reference; `canary` is a picture on this machine that nobody may open."""
    kinds = (_addresses(), _tricks(), _names(), _redirects(canary), _schemes(canary), _label_studio())
    return list(dict.fromkeys(chain.from_iterable(kinds)))


def _addresses() -> Iterator[str]:
    for address in FORBIDDEN_V4:
        number = int(ipaddress.IPv4Address(address))
        one, two, three, four = address.split(".")
        yield f"http://{address}/a.png"
        yield f"http://{number}/a.png"
        yield f"http://0x{number:08x}/a.png"
        yield f"http://0{number:o}/a.png"
        yield f"http://0x{int(one):x}.0x{int(two):x}.0x{int(three):x}.0x{int(four):x}/a.png"
        yield f"http://0{int(one):o}.0{int(two):o}.0{int(three):o}.0{int(four):o}/a.png"
        yield f"http://{one}.{number & 0xFFFFFF}/a.png"
        yield f"http://{address}./a.png"
        yield f"http://{address.replace('.', '%2e')}/a.png"
        yield f"http://{address.replace('.', '。')}/a.png"
        yield f"http://{''.join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in address)}/a.png"
    for address in FORBIDDEN_V6:
        yield f"http://[{address}]/a.png"


def _tricks() -> Iterator[str]:
    yield from (
        f"http://public.test:{PASSWORD}@10.0.0.1/a.png",
        f"http://10.0.0.1:{PASSWORD}@public.test/a.png",
        "http://public.test#@10.0.0.1/a.png",
        "http://10.0.0.1#@public.test/a.png",
        "http://public.test?@10.0.0.1/a.png",
        "http://public.test\\@10.0.0.1/a.png",
        "http://10.0.0.1\\.public.test/a.png",
        "http://10.0.0.1%23.public.test/a.png",
        "http://public.test%40127.0.0.1/a.png",
        "http://public.test%00.10.0.0.1/a.png",
        "http://10.0.0.1%00.public.test/a.png",
        "http://10.0.0.1\t/a.png",
        "http://10.0.\n0.1/a.png",
        "http:///10.0.0.1/a.png",
        "http:/10.0.0.1/a.png",
        "http:10.0.0.1/a.png",
        "http:\\\\10.0.0.1\\a.png",
        "//10.0.0.1/a.png",
        "\\\\10.0.0.1\\share\\a.png",
        " http://10.0.0.1/a.png",
        "\ufeffhttp://10.0.0.1/a.png",
        "HTTP://10.0.0.1/a.png",
        "hTtPs://10.0.0.1/a.png",
        "http://10.0.0.1:6379/a.png",
        "http://127.0.0.1:5432/a.png",
        "http://127.0.0.1:080/a.png",
        "http://127.0.0.1:65616/a.png",
        "http://127.0.0.1:-80/a.png",
        "http://10.0.0.1 public.test/a.png",
        "http://public.test, http://10.0.0.1/a.png",
        "http://public.test:80:80@10.0.0.1/a.png",
        "http://[::1/a.png",
        "http://[::1].public.test/a.png",
        "http://[]/a.png",
        "http://\ud800/a.png",
        "http://ⓛocalhost/a.png",
        "http://xn--/a.png",
        "http://10.0.0.1/\r\nX-Injected: 1\r\n\r\n",
        "http://public.test/a.png\r\nX-Injected: 1",
    )


def _names() -> Iterator[str]:
    yield from ("http://localhost/a.png", "http://LOCALHOST./a.png", "http://localhost:6379/a.png")
    yield from (f"http://{name}/a.png" for name in NAMES if name != "label-studio.test")
    yield from (f"http://{name}/{n}.png" for name in CHANGING for n in range(8))
    yield from (
        "http://unknown.test/a.png",
        f"http://{'a' * 64}.test/a.png",
        f"http://{'a.' * 130}test/a.png",
    )


def _redirects(canary: Path) -> Iterator[str]:
    targets = (
        "http://10.0.0.1/a.png", "http://127.0.0.1:6379/a.png", "//169.254.169.254/latest/meta-data",
        "http://[::1]/a.png", "http://[::ffff:10.0.0.1]/a.png", "http://2130706433/a.png", "http://private.test/a.png",
        "http://changing.test/r.png", "http://changing-back.test/r.png", f"file://{canary}", str(canary),
        "gopher://10.0.0.1:6379/_x", "ftp://10.0.0.1/a.png", "data:text/html,x", f"http://u:{PASSWORD}@10.0.0.1/",
        f"{LABEL_STUDIO}/api/users/", f"{LABEL_STUDIO}/data/upload/../../api/users/",
        "http://public.test/redirect?to=http%3A%2F%2F10.0.0.1%2Fa.png", "/redirect?to=/redirect",
        "http://\ud7ff\\x/", "",
    )  # fmt: skip
    for target in targets:
        yield f"http://public.test/redirect?to={quote(target, safe='')}"
    # Label Studio itself answers with a redirect, as it does for cloud storage: the key must stay behind
    for target in (
        "http://public.test/a.png",
        "http://10.0.0.1/a.png",
        "http://label-studio.test/data/upload/1/a.png",
    ):
        yield f"/data/upload/1/redirect?to={quote(target, safe='')}"
    yield f"http://changing.test/redirect?to={quote('http://changing.test/b.png', safe='')}"


SCHEMES = """
ftp gopher dict ldap jar:http netdoc php unix http+unix smb tftp sftp blob view-source:http javascript ws s3
gs azure-blob
""".split()


def _schemes(canary: Path) -> Iterator[str]:
    yield from (f"file://{canary}", f"FILE://{canary}", f"file:{canary}", f"file://localhost{canary}")
    yield from (f"file://127.0.0.1{canary}", f"file:///%2e%2e{canary}", f"{canary}", f".{canary}")
    yield from (
        f"../../../../../../..{canary}",
        f"..\\..\\..{canary}",
        "~/.ssh/id_rsa",
        "C:\\Windows\\win.ini",
    )
    yield from (
        f"/data/local-files/?d={canary}",
        f"/data/local-files/?d=../../../../..{canary}",
        f"url:file://{canary}",
    )
    for scheme in SCHEMES:
        yield f"{scheme}://10.0.0.1/a.png"
    yield "data:text/html;base64,PHNjcmlwdD4="
    yield "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='http://10.0.0.1/a.png'/></svg>"


FILES = """
/data/upload/1/a.png /data/upload/1/../../../api/users/ /data/upload/1/%2e%2e/%2e%2e/api/users/
/data/upload/1/..%2f..%2fapi/users/ /data/upload/1/%252e%252e/%252e%252e/api/users/
/data/upload/..\\..\\api/users/ /data/local-files/?d=../../../etc/passwd
/data/local-files/?d=%2e%2e/%2e%2e/etc/passwd /api/users/
/api/../data/upload/1/a.png /tasks/1/resolve/?fileuri=aHR0cDovLzEwLjAuMC4xLw==
/tasks/1/resolve/../../../api/users/ /user/login/?next=/data/upload/1/a.png
""".split()
"""Paths of Label Studio: of files, and out of their folders."""

ORIGINS = f"""
http://label-studio.test https://label-studio.test:8080 http://label-studio.test:8081
http://label-studio.test:8080@10.0.0.1 http://label-studio.test.public.test:8080 http://public.test:8080
http://{LABEL_STUDIO_ADDRESS}:8080 http://{LABEL_STUDIO_ADDRESS} http://label-studio.test:8080.public.test
http://x@label-studio.test:8080 http://label-studio.test.:8080
""".split()
"""What is nearly Label Studio."""


def _label_studio() -> Iterator[str]:
    yield from FILES
    yield from (LABEL_STUDIO + path for path in FILES)
    yield from ("//data/upload/1/a.png", "data/upload/1/a.png", f"{LABEL_STUDIO}//data/upload//1/a.png")
    yield from (f"{origin}/data/upload/1/a.png" for origin in ORIGINS)
