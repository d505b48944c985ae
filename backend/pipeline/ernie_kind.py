"""ERNIE as a kind of reader: two prompts to one server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from backend.errors import SettingsWrong
from backend.pipeline.reader_kind import ReaderSetup
from backend.readers.families import ERNIE
from backend.text import languages

if TYPE_CHECKING:
    from backend.readers.ernie.prompts import Prompt
    from backend.readers.ernie.reader import ErnieReader, ErnieServer


class Ernie:
    """Reads with ERNIE, or any vision model behind the OpenAI chat API, asked with two prompts."""

    local = False
    family = ERNIE

    def __init__(self, setup: ReaderSetup) -> None:
        """Take what it needs; nothing is called before a reader is built."""
        self._settings = setup.settings
        self._ledger = setup.ledger
        self._budget = setup.budget
        self._server: ErnieServer | None = None

    def turns(self) -> int:
        """A server that is set reads twice."""
        return 2 if self.demanded() else 0

    def demanded(self) -> bool:
        """A server is set."""
        return self._settings.ernie_base_url is not None

    def at_hand(self) -> str:
        """Nothing on this machine."""
        return ""

    def prompts(self, language: str) -> tuple[str, ...]:
        """Both prompts."""
        return tuple(prompt.text for prompt in self._prompts(language))

    def would_read(self, language: str) -> str | None:
        """The settings of a server."""
        return "an ERNIE server (ERNIE_BASE_URL, ERNIE_MODEL)"

    def joins(self) -> tuple[str, ...]:
        """It is the server."""
        return ()

    def build(self, language: str, turn: int, opened: ExitStack) -> ErnieReader:
        """One prompt to the server that all readers share."""
        from backend.readers.ernie.reader import ErnieReader

        return ErnieReader(self.server(), self._prompts(language)[turn % 2])

    def server(self) -> ErnieServer:
        """The server of the settings.

        Raises:
            SettingsWrong: none is set.
        """
        from backend.readers.ernie.reader import ErnieOptions, ErnieServer

        settings = self._settings
        if settings.ernie_base_url is None or settings.ernie_model is None:
            raise SettingsWrong("No ERNIE server is set; set ERNIE_BASE_URL and ERNIE_MODEL.")
        if self._server is None:
            key = settings.ernie_api_key
            self._server = ErnieServer(
                ErnieOptions(
                    base_url=str(settings.ernie_base_url),
                    model=settings.ernie_model,
                    api_key=key.get_secret_value() if key is not None else None,
                    concurrency=settings.ernie_concurrency,
                    timeout_s=settings.ernie_timeout_s,
                    page_timeout_s=settings.ernie_page_timeout_s,
                    max_retries=settings.ernie_max_retries,
                    max_answer_bytes=settings.ernie_max_answer_bytes,
                    temperature=settings.ernie_temperature,
                    top_p=settings.ernie_top_p,
                    disable_thinking=settings.ernie_disable_thinking,
                    extra_body=settings.ernie_extra_body,
                    image_format=settings.ernie_image_format,
                ),
                ledger=self._ledger,
                budget=self._budget,
            )
        return self._server

    def close(self) -> None:
        """End the server's thread; what waits gets an error."""
        if self._server is not None:
            self._server.close()

    def _prompts(self, language: str) -> tuple[Prompt, Prompt]:
        from backend.readers.ernie.prompts import prompts

        return prompts(self._settings.ernie_prompt_style, languages.english_name(language))
