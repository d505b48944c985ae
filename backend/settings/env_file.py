"""The `.env` of the working folder: read only where it is the user's own, and named where it has power.

A folder that somebody else packed can hold one, and its settings decide where keys and pictures go, and which
programs run. So the file is refused where another user could have written it, and what it decides is told in
one line before anything is sent.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AnyHttpUrl

from backend.errors import SettingsWrong
from backend.outputs import printable

if TYPE_CHECKING:
    from backend.settings.settings import Settings

MAX_BYTES = 1024**2
"""A `.env` is a page of text; a larger file has that name by mistake, or on purpose."""

POWERFUL = frozenset(
    {
        *("basic_auth_user", "basic_auth_pass", "webhook_secret", "allowed_image_hosts", "allow_no_password"),
        *(
            "detection_model_dir",
            "recognition_model_dir",
            "tessdata_dir",
            "engine_config",
            "ernie_extra_body",
        ),
        *("paddleocr_dir", "trainer_python", "round_export_options", "round_train_options", "cache_dir"),
    }
)
"""Settings beside addresses and keys that must not change unseen: who may ask, what runs, where it writes."""


def read(path: Path) -> dict[str, str]:
    """The settings in a `.env` by their lower-case names; none where there is no such file.

    Values stand for themselves: a `${NAME}` in one is not replaced, so that no file can put a secret of the
    environment into an address. A folder of that name is no settings file (virtual environments have it).

    Args:
        path: the file; a link to one is followed.

    Raises:
        SettingsWrong: it cannot be read, or another user could have written it.
    """
    content = _read_trusted(path)
    if content is None:
        return {}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused("is not text in UTF-8", "Save it in UTF-8, or remove it") from None
    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name.lower(): value for name, value in found.items() if value}


def _read_trusted(path: Path) -> bytes | None:
    """The content of a file that no other user wrote; None where there is no file."""
    try:
        itself = path.lstat()
        if path.is_dir():
            return None
        # without O_NONBLOCK a pipe would wait for a writer, perhaps for ever
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise _refused("is a link to nothing", "Remove it, or put the file there") from error
        return None
    except OSError as error:
        raise _refused(
            f"cannot be read ({error.strerror or error})", "Make it readable, or remove it"
        ) from error
    try:
        # what was opened is looked at, not what has the name by now
        target = os.fstat(descriptor)
        if not stat.S_ISREG(target.st_mode):
            raise _refused("is no plain file", "Put a plain file in its place, or remove it")
        if os.name == "posix":
            check_owners(itself, target, os.geteuid())
        if target.st_size > MAX_BYTES:
            raise _refused("is larger than 1 MiB, and no settings file is", "Remove it, or rename it")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES)
    finally:
        os.close(descriptor)


def check_owners(itself: os.stat_result, target: os.stat_result, user: int) -> None:
    """Refuse what another user wrote, or can change; a link counts as well as the file that it leads to.

    Args:
        itself: of the name `.env`, which may be a link's.
        target: of the file that was opened.
        user: the number of the one who reads it.

    Raises:
        SettingsWrong: another user, but root, could have written it.
    """
    owners = {itself.st_uid, target.st_uid}
    if not owners <= {user, 0}:
        raise _refused(
            f"belongs to another user (number {min(owners - {user, 0})})",
            "If you trust it, make it yours with chown; else remove it, or work in a folder of your own",
        )
    # a link's own mode says nothing; the group may write, because Ubuntu lets it by default
    if target.st_mode & stat.S_IWOTH:
        raise _refused("can be changed by every user", "Look at what it says, then: chmod o-w .env")


def _refused(why: str, way_out: str) -> SettingsWrong:
    return SettingsWrong(
        f"The file .env in this folder {why}, so it is not used, and nothing was done: it would decide where "
        f"keys go and what runs. {way_out}."
    )


def notice(values: Settings, used: Collection[str]) -> str:
    """What a `.env` decides, in one line for people; empty where it has no power.

    Args:
        values: the settings as they count.
        used: lower-case names of those that count and come from the file.
    """
    decided = []
    if {"label_studio_url", "label_studio_api_key"} & set(used):
        where = _host(values.label_studio_url)
        if values.label_studio_api_key is None:
            decided.append(f"Label Studio is {where}")
        else:
            decided.append(f"{_whose('the key', 'label_studio_api_key', used)} goes to {where}")
    if {"ernie_base_url", "ernie_api_key"} & set(used) and values.ernie_base_url is not None:
        key = f" and {_whose('the key of ERNIE', 'ernie_api_key', used)}" if values.ernie_api_key else ""
        decided.append(f"pictures of lines{key} go to {_host(values.ernie_base_url)}")
    if "store_url" in used:
        decided.append(
            f"readings are kept in {urlsplit(values.store_url).hostname or 'a file that it names'}"
        )
    others = [name.upper() for name in type(values).model_fields if name in POWERFUL and name in used]
    if others:
        decided.append(f"it sets {', '.join(others)}")
    return printable("; ".join(["Settings from ./.env", *decided])) if decided else ""


def _whose(key: str, name: str, used: Collection[str]) -> str:
    """A key; and where it comes from, if not from the file that says where it goes."""
    return key if name in used else f"{key} from your environment"


def _host(url: AnyHttpUrl) -> str:
    usual = {"http": 80, "https": 443}[url.scheme] == url.port
    return f"{url.host}" if usual else f"{url.host}:{url.port}"
