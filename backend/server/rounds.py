"""Starts training rounds: by Label Studio's "Start training", or by TRAIN_AFTER newly approved lines.

A round takes hours of every core, so it runs in a process of its own that outlives this one, and nothing of
it is done in an annotator's request: a webhook only notes the project, and a thread asks Label Studio later.

Who may start one: whoever signs in with BASIC_AUTH_USER and BASIC_AUTH_PASS, as Label Studio does when
somebody presses the button (in Label Studio every member of the organisation may), or knows the webhook's
secret. Where neither is set, only this machine itself may. A foreign page in somebody's browser may not,
because it can send no JSON.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address

from backend.errors import BadRequest, OperatorError, SettingsWrong, TwinreadError
from backend.label_studio.annotations import moment_of
from backend.label_studio.approved_lines import count_new
from backend.rounds import RoundRunning, Rounds
from backend.server.protocol import WebhookBody
from backend.server.soon import Soon
from backend.settings import connect
from backend.settings.settings import Settings

log = logging.getLogger(__name__)

CHECK_EVERY_S = 60.0
"""How often Label Studio is asked for newly approved lines of one project at most, seconds."""

APPROVING = frozenset({"ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED"})
"""Webhooks after which there may be more approved lines."""


class NotFromHere(SettingsWrong):
    """Another machine asks for what only signed-in callers may start, and nobody can sign in."""

    status = 403


PROGRAM = (sys.executable, "-m", "backend")


class RoundStarter:
    """Starts rounds for one backend; several backends with one CACHE_DIR start one between them."""

    def __init__(
        self, settings: Settings, program: Sequence[str] = PROGRAM, check_every_s: float = CHECK_EVERY_S
    ) -> None:
        """Take what rounds need; nothing is started.

        Args:
            settings: where Label Studio and the cache are, and TRAIN_AFTER.
            program: what runs the sub-command `round`.
            check_every_s: the least time between two counts of a project's lines, seconds.
        """
        self._settings = settings
        self._program = tuple(program)
        self._rounds = Rounds(settings.cache_dir)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._approved = Soon(
            "approved lines", self._count, wait_s=check_every_s / 12, rest_s=lambda taken: check_every_s
        )

    def start(self, project: int, started_by: str, least_lines: int = 0) -> str:
        """Start a round in a process of its own, which goes on when this one ends.

        Args:
            project: its id.
            started_by: who asked, in words.
            least_lines: the round trains for this many new lines or more.

        Returns:
            One sentence for people.

        Raises:
            RoundRunning: one runs already.
            SettingsWrong: there is no key to export with.
            OperatorError: CACHE_DIR cannot be written, or the process cannot be started.
        """
        # before any process: without a key it would end at its first step
        connect.label_studio(self._settings).close()
        command = [*self._program, "round", "--project", str(project), "--started-by", started_by]
        if least_lines:
            command += ["--after", str(least_lines)]
        with self._lock:
            self._rounds.check_idle()
            if self._process is not None and self._process.poll() is None:
                raise RoundRunning("A training round is just beginning. Look at /status in a moment.")
            folder = self._rounds.project_folder(project)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / "started.log").open("wb") as said:
                    self._process = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=said,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
            except OSError as error:
                raise OperatorError(
                    f"No training round could be started ({error.strerror or error}). Make CACHE_DIR "
                    "writable, or make room in it."
                ) from error
            threading.Thread(
                target=self._see_end, args=(project, self._process), name="round", daemon=True
            ).start()
        log.info("A training round of project %s begins (%s).", project, started_by)
        return f"A training round of project {project} begins; /status and 'twinread status' follow it."

    def note(self, project: int) -> None:
        """Somebody approved lines: count them soon, in the background; returns at once."""
        if self._settings.train_after:
            self._approved.note(project)

    def status(self) -> dict[str, object] | None:
        """The round that runs, or the one that began last; None where there never was one."""
        try:
            newest = self._rounds.newest()
        except TwinreadError as error:
            return {"problem": str(error)}
        return newest.shown if newest is not None else None

    def _count(self, project: int) -> bool:
        """Start a round where enough lines are new; True where it is to be asked again."""
        try:
            return self._start_where_enough(project)
        except TwinreadError as error:
            log.warning("TRAIN_AFTER, project %s: %s", project, error)
            return False

    def _start_where_enough(self, project: int) -> bool:
        """Start a round where enough lines are new; True where one runs, so that it is to be asked again."""
        if self._rounds.running_project() is not None:
            return True
        wanted = self._settings.train_after
        state = self._rounds.state(project)
        since: datetime | None = moment_of(state.counted_from) if state is not None else None
        waiting = state.waiting_lines if state is not None else 0
        with connect.label_studio(self._settings) as api:
            new = count_new(api, project, self._settings.label_names, since, wanted - waiting)
        log.debug("TRAIN_AFTER, project %s: %s of %s lines are new.", project, waiting + new, wanted)
        if waiting + new < wanted:
            return False
        try:
            self.start(project, f"TRAIN_AFTER, about {waiting + new} newly approved lines", wanted)
        except RoundRunning:
            return True
        return False

    def _see_end(self, project: int, process: subprocess.Popen[bytes]) -> None:
        """Note in the log how a round ended; without this its process would stay a zombie."""
        code = process.wait()
        try:
            state = self._rounds.state(project)
        except TwinreadError as error:
            log.warning("%s", error)
            return
        if state is not None and state.pid == process.pid:
            log.log(logging.INFO if state.state == "done" else logging.WARNING, "%s", state.sentence)
            return
        said = self._rounds.project_folder(project) / "started.log"
        last = said.read_text("utf-8", "replace").strip().rpartition("\n")[2]
        log.warning("A round of project %s did not begin (exit code %s): %s", project, code, last)


def answer_webhook(
    starter: RoundStarter, body: WebhookBody, settings: Settings, *, as_json: bool, sender: str | None
) -> dict[str, object]:
    """What a webhook that was let in does here, and what to add to its answer.

    Args:
        starter: starts rounds.
        body: the webhook's, let in by its secret, by user and password, or because neither is set.
        settings: of the backend.
        as_json: it came with JSON's content type.
        sender: the address that it came from.

    Raises:
        BadRequest: "Start training" names no project, or is not sent as Label Studio sends it.
        NotFromHere: it comes from another machine, and nobody has to sign in here.
        TwinreadError: why no round was started.
    """
    project = body.project_id
    if body.action in APPROVING and project is not None:
        starter.note(project)
    if body.action != "START_TRAINING":
        return {}
    if project is None or not as_json:
        raise BadRequest("'Start training' must be JSON and name its project: project.id.")
    open_to_all = settings.webhook_secret is None and settings.basic_auth_pass is None
    if open_to_all and not _is_this_machine(sender):
        raise NotFromHere(
            "Whoever reaches this backend could start hours of training, because nobody has to sign in here. "
            "Set BASIC_AUTH_USER and BASIC_AUTH_PASS and run 'twinread setup-project' again, or start the "
            f"round on the backend's machine: twinread round --project {project}"
        )
    return {"round": starter.start(project, "Start training")}


def _is_this_machine(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False
