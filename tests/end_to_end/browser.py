"""An annotator in a real browser: Chromium on a real Label Studio, every key counted.

What stands on the screen is asked of Label Studio's own editor (its global store and its page), never
of the API, so that a test sees what a person sees.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from backend.label_studio.regions import Region, regions
from backend.page.lines import Quad
from backend.projects.page_filling import choose_predictions
from backend.projects.set_up import ProjectSpec, set_up
from backend.settings.settings import Settings
from tests.end_to_end.projects import Project
from tests.end_to_end.written_pages import HEIGHT, Readers, Written, WrittenPage, write
from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.ernie_stand_in import StandIn
from tests.parts.label_studio import RunningLabelStudio

ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WAIT_MS = 30_000

READY = """() => {
  const annotation = window.Htx?.annotationStore?.selected;
  if (!annotation) return false;
  const images = [...annotation.names.values()].filter(tag => tag.type === 'image');
  const shown = [...document.querySelectorAll('img[alt=image]')];
  return images.some(image => image.imageIsLoaded) && shown.length > 0
    && shown.every(image => image.complete && image.naturalWidth > 0);
}"""


@dataclass
class Editor:
    """Label Studio's editor as one person uses it.

    keys: every key pressed since `count` was last called; typed texts count as none.
    """

    page: Page
    base_url: str
    keys: list[str] = field(default_factory=list)

    # Getting there

    def open_stream(self, project: int, *, instructions: bool = True) -> None:
        """Data Manager, "Label All Tasks", instructions read and closed."""
        self.page.goto(f"{self.base_url}/projects/{project}/data")
        self.page.get_by_text("Label All Tasks").click()
        if instructions:
            self.instructions.wait_for()
            self.read_instructions()
        else:
            self._wait_until_ready()

    def open_task(self, project: int, task: int) -> None:
        """The row of the Data Manager."""
        self.page.goto(f"{self.base_url}/projects/{project}/data")
        self.page.get_by_text("Label All Tasks").wait_for()
        self.page.goto(f"{self.base_url}/projects/{project}/data?task={task}")
        self._wait_until_ready()

    def reload(self) -> None:
        self.page.reload()
        self._wait_until_ready()
        if self.instructions.count():
            self.read_instructions()

    def read_instructions(self) -> None:
        """Close them; no key of the review."""
        self._wait_until_ready()
        self.page.keyboard.press("Escape")
        self.instructions.wait_for(state="hidden")

    def _wait_until_ready(self) -> None:
        self.page.wait_for_function(READY, timeout=WAIT_MS)
        # the boxes are drawn a moment after the image
        self.page.wait_for_timeout(300)

    @property
    def instructions(self) -> Any:
        return self.page.locator("[class*=modal]").get_by_text("Labeling Instructions")

    # Keys

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys.append(key)
            self.page.wait_for_timeout(120)

    def type(self, text: str) -> None:
        """Type into the field that has the focus; never where typing would run hotkeys."""
        assert self.focused == "TEXTAREA"
        self.page.keyboard.insert_text(text)

    def count(self) -> list[str]:
        """The keys pressed since the last call."""
        pressed, self.keys = self.keys, []
        return pressed

    def next_line(self) -> None:
        self.press("Alt+Period")

    def submit(self) -> dict[str, Any]:
        """Ctrl+Enter; gives the annotation that Label Studio stored."""
        with self.page.expect_response(_stores_annotation, timeout=WAIT_MS) as answer:
            self.press("Control+Enter")
        assert answer.value.ok, answer.value.text()
        stored: dict[str, Any] = answer.value.json()
        return stored

    def submit_by_mouse(self) -> None:
        with self.page.expect_response(_stores_annotation, timeout=WAIT_MS):
            self.page.get_by_role("button", name="current annotation").click()

    @property
    def focused(self) -> str:
        tag: str = self.page.evaluate("() => document.activeElement.tagName")
        return tag

    # What is on the screen

    @property
    def task(self) -> int:
        task: int = self.page.evaluate("() => Htx.task.id")
        return task

    @property
    def result(self) -> list[dict[str, Any]]:
        """What Submit would send."""
        result: list[dict[str, Any]] = self.page.evaluate(
            "() => JSON.parse(JSON.stringify(Htx.annotationStore.selected.serializeAnnotation()))"
        )
        return result

    @property
    def lines(self) -> list[Region]:
        return regions(self.result)

    def line(self, text: str) -> Region:
        """The one region with this text."""
        (found,) = [region for region in self.lines if region.texts == (text,)]
        return found

    @property
    def selected(self) -> list[str]:
        """Ids of the selected regions."""
        ids: list[str] = self.page.evaluate(
            "() => Htx.annotationStore.selected.selectedRegions.map(region => region.cleanId)"
        )
        return ids

    @property
    def panel(self) -> str:
        """What the info panel says of the selected region."""
        return self.page.locator(".lsf-detailed-region__meta-text").inner_text()

    @property
    def shown_texts(self) -> list[str]:
        """The texts of the rows that the region list shows, from top to bottom, scrolled through."""
        seen: list[str] = []
        holder = self.page.locator(".lsf-tree-list-holder")
        for _ in range(40):
            fields = self.page.locator(".lsf-textarea-tag__input")
            seen += [text for text in fields.evaluate_all("all => all.map(e => e.value)") if text not in seen]
            if holder.evaluate(
                "e => { const t = e.scrollTop; e.scrollTop += 200; return e.scrollTop === t }"
            ):
                break
            self.page.wait_for_timeout(150)
        holder.evaluate("e => { e.scrollTop = 0 }")
        return seen

    @property
    def warning(self) -> str:
        """The message that Submit answered with."""
        return self.page.locator(".ant-modal-confirm-content").inner_text()

    # The mouse

    def switch_on_assist(self) -> None:
        """Auto-Annotation and Auto-Accept Suggestions, once per browser."""
        self.page.get_by_text("Auto-Annotation", exact=True).click()
        self.page.get_by_text("Auto-Accept Suggestions", exact=True).click()
        self._leave_the_switch()

    def _leave_the_switch(self) -> None:
        """The keyboard is dead until the page has the focus again."""
        self.page.locator(".lsf-main-content, .lsf-wrapper").first.click(position={"x": 5, "y": 5})

    def turn_to_page(self, number: int) -> None:
        """The arrow above a task's pages; pages under each other are scrolled to."""
        arrows = self.page.locator(".lsf-pagination__btn_arrow-right, .lsf-pagination__btn_arrow-left")
        if arrows.count():
            way = "right" if number > 1 else "left"
            self.page.locator(f".lsf-pagination__btn_arrow-{way}").first.click()
            self._leave_the_switch()
        else:
            self.page.locator("img[alt=image]").nth(number - 1).scroll_into_view_if_needed()
        self._wait_until_ready()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the page, in page pixels, on the screen."""
        left, top, scale = self.page.evaluate(
            "() => { const image = [...document.querySelectorAll('img')].pop();"
            " const at = image.getBoundingClientRect();"
            " return [at.x, at.y, at.width / image.naturalWidth] }"
        )
        return left + float(x) * scale, top + float(y) * scale

    def drag(self, *corners: Sequence[float]) -> None:
        """Press at the first place, move to the last by way of the others."""
        (x, y), *others = [self.at(*corner[:2]) for corner in corners]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for x, y in others:
            self.page.mouse.move(x, y, steps=6)
        self.page.mouse.up()

    def choose_three_points(self) -> None:
        """The assisting tool's other shape: two corners of the text's upper side, then its depth."""
        self.press("1", "m", "Shift+r")

    def click_at(self, x: float, y: float) -> None:
        self.page.mouse.move(*self.at(x, y), steps=4)
        self.page.mouse.down()
        self.page.mouse.up()
        self.page.wait_for_timeout(150)

    def wait_for(self, so: Callable[[], bool], what: str, limit_s: float = 20) -> None:
        for _ in range(int(limit_s / 0.1)):
            if so():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"still not so after {limit_s} s: {what}")

    def wait_for_line(self, text: str) -> Region:
        self.wait_for(lambda: any(region.texts == (text,) for region in self.lines), f"a line says {text!r}")
        return self.line(text)

    @contextmanager
    def saves_draft(self) -> Iterator[None]:
        """Until what is changed in the block is stored as a draft."""

        def stores(response: Response) -> bool:
            return "/drafts" in response.url and response.request.method in {"POST", "PATCH"} and response.ok

        with self.page.expect_response(stores, timeout=WAIT_MS):
            yield
        # a second one follows where the first was sent in the midst of the change
        self.page.wait_for_timeout(6000)

    def picture(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")


def _stores_annotation(response: Response) -> bool:
    return response.request.method in {"POST", "PATCH"} and bool(
        re.search(r"/api/(tasks/\d+/annotations|annotations/\d+)/?(\?|$)", response.url)
    )


def near(first: Quad, second: Quad, pixels: float) -> bool:
    """Every corner of one within so many pixels of the other's."""
    return bool(np.abs(np.asarray(first) - np.asarray(second)).max() <= pixels)


@dataclass
class Stage:
    """Label Studio, a backend that asks the stand-in, and a browser."""

    label_studio: RunningLabelStudio
    backend: RunningBackend
    ernie: StandIn
    readers: Readers
    chromium: Browser
    folder: Path
    values: dict[str, Any]
    _written: int = 0
    _contexts: dict[str, BrowserContext] = field(default_factory=dict)

    def page(self, *lines: Written | str, language: str = "ru", height: int = HEIGHT) -> WrittenPage:
        """Write a page, and let the readers know it."""
        self._written += 1
        written = [line if isinstance(line, Written) else Written(line) for line in lines]
        path = self.folder / f"page-{self._written}.png"
        return self.readers.learn(write(self.chromium, path, written, language, height))

    def project(
        self,
        *pages: WrittenPage,
        language: str = "ru",
        config: str | None = None,
        messages: str = "en",
        missed: str | None = None,
        backend: RunningBackend | None = None,
    ) -> tuple[Project, list[int]]:
        """A project as `setup-project` makes it, with these pages read; and its tasks."""
        api = self.label_studio.api()
        # of its own, also where the same pages come again: a project of that title would be set up once more
        title = f"project {self._written}-{len(pages)}-{secrets.token_hex(4)}"
        wanted = ProjectSpec(title, (backend or self.backend).url)
        if config is not None:
            number = int(api.create_project(title=title, label_config=config)["id"])
            wanted = ProjectSpec(title, wanted.backend_url, project=number)
        settings = Settings(_env_file=None, **self.values, message_language=messages)  # type: ignore[call-arg]
        project = Project(api, set_up(api, wanted, settings).project)
        if not pages:
            return project, []
        uploads = api.upload_files(project.id, [page.path for page in pages])
        tasks = api.import_tasks(
            project.id,
            [
                {"data": {"image": upload.address, "ocr": upload.address, "language": language}}
                for upload in uploads
            ],
        )
        api.retrieve_predictions(project.id, tasks)
        choose_predictions(api, project.id)
        if missed is not None:
            self.miss(project, missed)
        return project, tasks

    def miss(self, project: Project, text: str) -> None:
        """Take the line with this text out of the stored predictions, as if it had not been found."""
        for task in project.api.tasks(project.id):
            (prediction,) = task["predictions"]
            gone = [region.id for region in regions(prediction["result"]) if region.texts == (text,)]
            kept = [part for part in prediction["result"] if part["id"] not in gone]
            project.api.call(
                "PATCH", f"/api/predictions/{prediction['id']}/", "change it", body={"result": kept}
            )

    @contextmanager
    def another_backend(self, folder: Path) -> Iterator[RunningBackend]:
        """One that a test may stop."""
        with backend_process(folder, **self.values) as backend:
            yield backend

    @contextmanager
    def annotator(self, name: str, user: str | None = None, password: str | None = None) -> Iterator[Editor]:
        """A person with a browser of their own; a picture of the end is kept.

        Args:
            name: of the picture.
            user: the account; None is the one that made the projects.
            password: of a new account.
        """
        context = self._context(user or self.label_studio.user, password)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        editor = Editor(page, self.label_studio.base_url)
        try:
            yield editor
        finally:
            editor.picture(name)
            # toggles, tools and columns that this test chose are not the next one's
            page.evaluate("() => localStorage.clear()")
            page.close()

    def _context(self, user: str, password: str | None) -> BrowserContext:
        """The browser of a person who is signed in, its cache warm; a new one signs up first."""
        if user not in self._contexts:
            self._contexts[user] = signed_in(self.chromium, self.label_studio, user, password)
        return self._contexts[user]


def signed_in(
    browser: Browser,
    label_studio: RunningLabelStudio,
    user: str,
    password: str | None = None,
    size: tuple[int, int] = (1600, 1000),
) -> BrowserContext:
    """A browser in which a person is signed in.

    Args:
        browser: that is started.
        label_studio: to be signed in to.
        user: the account.
        password: of a new account, which is signed up first; None for the one that made the projects.
        size: of the window, pixels.
    """
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{label_studio.base_url}/user/{'signup' if password else 'login'}/")
    page.fill("input[name=email]", user)
    page.fill("input[name=password]", password or label_studio.password.get_secret_value())
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url and "signup" not in url)
    page.close()
    return context


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def running_stage(label_studio: RunningLabelStudio, chromium: Browser, folder: Path) -> Iterator[Stage]:
    """A backend for Label Studio, whose readers know the pages that are written.

    Args:
        label_studio: that runs.
        chromium: that is started.
        folder: for pages and the backend's files.
    """
    readers = Readers()
    with ExitStack() as opened:
        ernie = opened.enter_context(StandIn(readers, in_threads=True).running())
        values: dict[str, Any] = {
            "label_studio_url": label_studio.base_url,
            "label_studio_api_key": label_studio.personal_token,
            "ernie_base_url": ernie.base_url,
            "witness": "off",
            "ernie_model": ernie.model,
            "ernie_max_retries": 0,
            "ernie_timeout_s": 4,
            "ocr_language": "ru",
        }
        backend = opened.enter_context(backend_process(folder / "backend", **values))
        yield Stage(label_studio, backend, ernie, readers, chromium, folder, values)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def stage(
    label_studio: RunningLabelStudio, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with running_stage(label_studio, chromium, tmp_path_factory.mktemp("review")) as running:
        yield running


@pytest.fixture
def editor(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Editor]:
    """An annotator of the account that made the projects; the readers answer as written afterwards."""
    name = re.sub(r"[^\w-]+", "_", request.node.name).removeprefix("test_")[:120]
    with stage.annotator(name) as person:
        yield person
    stage.readers.instead = None
    stage.ernie.latency_s = 0
