"""The images and the compose file, as far as they can be checked without an engine."""

from __future__ import annotations

import json
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.demo.label_studio_server import BANNED_SUBNETS
from backend.settings.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = (
    ROOT / "Dockerfile",
    ROOT / "Dockerfile.gpu",
    ROOT / "docker" / "label-studio.Dockerfile",
    ROOT / "Dockerfile.train",
)
COMPOSE_FILES = (COMPOSE, ROOT / "docker" / "gpu.yml")
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")
SETTINGS = {name.upper() for name in Settings.model_fields}


def services() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]


def steps(dockerfile: Path) -> list[str]:
    """Its instructions, one per item, continued lines joined."""
    joined = dockerfile.read_text("utf-8").replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def variables() -> list[tuple[str, str]]:
    return [
        (found["name"], found["rest"])
        for file in COMPOSE_FILES
        for found in VARIABLE.finditer(file.read_text("utf-8"))
    ]


def test_the_backend_is_given_every_setting_and_no_other() -> None:
    given = set(services()["backend"]["environment"])
    assert given == SETTINGS


def test_setup_sees_the_same_settings_as_the_backend() -> None:
    assert services()["setup"]["environment"] == services()["backend"]["environment"]


def test_what_the_images_set_are_settings_or_names_of_other_programs() -> None:
    others = {
        *("PATH", "HOME", "PYTHONUNBUFFERED", "XDG_CACHE_HOME", "PADDLE_PDX_CACHE_HOME"),
        *("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "LABEL_STUDIO_BASE_DATA_DIR"),
    }
    for dockerfile in DOCKERFILES:
        for step in steps(dockerfile):
            if step.startswith("ENV "):
                names = set(re.findall(r"([A-Z_]+)=", step))
                assert names <= SETTINGS | others, dockerfile.name


def test_every_variable_of_the_compose_files_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docker" / "README.md").read_text("utf-8")))
    assert {name for name, _ in variables()} - explained - SETTINGS == set()


def test_no_secret_has_a_default() -> None:
    secrets = [(name, rest) for name, rest in variables() if re.search("PASS|KEY|SECRET|TOKEN", name)]
    assert {"LABEL_STUDIO_PASSWORD", "LABEL_STUDIO_API_KEY", "BASIC_AUTH_PASS", "WEBHOOK_SECRET"} <= {
        name for name, _ in secrets
    }
    # PostgreSQL's image refuses an empty password by itself, and only where that profile is on
    assert [
        name
        for name, rest in secrets
        if not rest.startswith(":?") and (name, rest) != ("POSTGRES_PASSWORD", ":-")
    ] == []


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_images_do_not_run_as_root(dockerfile: Path) -> None:
    users = [step.split()[1] for step in steps(dockerfile) if step.startswith("USER ")]
    assert users[-1:] in (["twinread"], ["label-studio"])


@pytest.mark.parametrize("name", ["label-studio", "backend", "setup"])
def test_our_containers_can_write_to_their_volumes_and_tmp_alone(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert "user" not in service


def test_ports_open_on_this_machine_only_unless_asked() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("${PUBLISH_ON:-127.0.0.1}:") for port in ports)


def test_the_backend_has_the_time_that_it_needs_to_end_and_the_signal_that_it_knows() -> None:
    seconds = int(services()["backend"]["stop_grace_period"].removesuffix("s"))
    assert seconds > Settings.model_fields["stop_s"].default + 2
    for dockerfile in DOCKERFILES:
        # Docker's own is SIGTERM
        assert not any(step.startswith("STOPSIGNAL") for step in steps(dockerfile))


def test_an_image_that_is_run_bare_says_that_it_wants_a_password(tmp_path: Path) -> None:
    (command,) = [step for step in steps(DOCKERFILES[0]) if step.startswith("CMD ")]
    arguments = json.loads(command.removeprefix("CMD "))
    bare = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "backend", *arguments], env=bare, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "set BASIC_AUTH_USER and BASIC_AUTH_PASS" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_waited_for_has_a_health_check() -> None:
    checked = {"label-studio": DOCKERFILES[2], "backend": DOCKERFILES[0]}
    for name, service in services().items():
        for other, waits in service.get("depends_on", {}).items():
            assert waits["condition"] == "service_healthy"
            in_image = other in checked and any(
                step.startswith("HEALTHCHECK ") for step in steps(checked[other])
            )
            assert in_image or "test" in services()[other]["healthcheck"], f"{name} waits for {other}"
            assert waits.get("required", True) is ("profiles" not in services()[other])


def test_label_studio_is_given_an_address_that_it_takes_for_webhooks_too() -> None:
    address = services()["setup"]["command"][-1]
    aliases = services()["backend"]["networks"]["default"]["aliases"]
    # Label Studio drops the webhook of a host without a dot and says nothing
    assert [f"http://{alias}:9090" for alias in aliases if "." in alias] == [address]


def test_label_studio_is_banned_from_what_the_demo_bans_and_from_its_own_loopback() -> None:
    banned = services()["label-studio"]["environment"]["USER_ADDITIONAL_BANNED_SUBNETS"].split(",")
    assert banned == ["127.0.0.0/8", *BANNED_SUBNETS]
    # Label Studio takes the list as it stands: one that is no subnet would stop every import
    assert [subnet for subnet in banned if str(ip_network(subnet)) != subnet] == []


@pytest.mark.parametrize("name", ["postgres", "ernie", "paddleocr-vl"])
def test_only_the_backend_reaches_what_asks_for_no_key(name: str) -> None:
    """Label Studio calls URLs that annotators type, private addresses among them."""
    (network,) = services()[name]["networks"]
    others = {
        other for other, service in services().items() if network in service.get("networks", ["default"])
    }
    assert others - {"postgres", "ernie", "paddleocr-vl"} == {"backend", "setup"}
    assert "label-studio" not in others


def test_every_volume_is_declared_and_used() -> None:
    used = {mount.split(":")[0] for service in services().values() for mount in service.get("volumes", [])}
    assert used == set(yaml.safe_load(COMPOSE.read_text("utf-8"))["volumes"])


def test_no_registry_host_is_named() -> None:
    for file in (*DOCKERFILES, *COMPOSE_FILES, ROOT / "docker" / "README.md", ROOT / "docker" / "new-env.sh"):
        hosts = set(re.findall(r"https?://([a-z0-9.-]+)", file.read_text("utf-8")))
        assert hosts <= {
            "127.0.0.1",
            "localhost",
            "label-studio",
            "backend.internal",
            "ernie",
            "paddleocr-vl",
        }, file.name
    bases = [step.split()[1] for file in DOCKERFILES for step in steps(file) if step.startswith("FROM ")]
    images = [service["image"] for service in services().values()]
    for image in [*bases, *images]:
        assert "." not in re.sub(r"^\$\{[A-Z_]+:-", "", image).partition("/")[0] or "/" not in image, image


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_building_asks_for_no_frontend(dockerfile: Path) -> None:
    assert "# syntax" not in dockerfile.read_text("utf-8").lower()


LOCKS = [
    *(
        ROOT / "locks" / f"{name}.txt"
        for name in ("twinread", "dev", "ray", "label-studio", "label-studio-ml")
    ),
    ROOT / "converters/training/trainer/requirements.txt",
]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.stem)
def test_a_lock_names_one_cv2(lock: Path) -> None:
    lines = lock.read_text("utf-8").splitlines()
    assert len([line for line in lines if line.startswith("opencv")]) == 1


def test_cv2_is_pinned_as_paddlex_pins_it() -> None:
    pinned = {
        requirement.split(";")[0].strip()
        for requirement in metadata.requires("paddlex") or []
        if requirement.startswith("opencv")
    }
    assert len(pinned) == 1
    project = PROJECT.read_text("utf-8")
    assert pinned == set(re.findall(r'^  "(opencv[^" ]+==[^" ]+)",$', project, re.MULTILINE))


def test_the_lock_holds_every_dependency() -> None:
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", PROJECT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert listed is not None
    wanted = set(re.findall(r'^  "([a-z0-9-]+)', listed[1], re.MULTILINE))
    lock = (ROOT / "locks" / "twinread.txt").read_text("utf-8")
    assert {"flask", "paddleocr"} <= wanted <= set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))


def test_label_studio_is_the_locked_version() -> None:
    lock = (ROOT / "locks" / "label-studio.txt").read_text("utf-8")
    version = re.search(r"^label-studio==(\S+)", lock, re.MULTILINE)
    assert version is not None
    assert services()["label-studio"]["image"] == f"twinread-label-studio:{version[1]}"


def test_the_gpu_image_differs_from_the_cpu_image_in_paddle_alone() -> None:
    cpu = [step.replace("${PYTHON_IMAGE}", "${BASE_IMAGE}") for step in steps(DOCKERFILES[0])]
    gpu = steps(DOCKERFILES[1])
    only_cpu = [step for step in cpu if step not in gpu]
    only_gpu = [step for step in gpu if step not in cpu]
    assert [step.split()[0:2] for step in only_cpu] == [
        ["ARG", "PYTHON_IMAGE=python:3.11-slim"],
        ["ENV", "PATH=/opt/twinread/bin:$PATH"],
    ]
    assert all(re.search("PADDLE|NVIDIA|BASE_IMAGE=", step) for step in only_gpu)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "new-env.sh").write_bytes((ROOT / "docker" / "new-env.sh").read_bytes())
    return tmp_path


def new_env(checkout: Path, *profiles: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(checkout / "docker" / "new-env.sh"), *profiles]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def env(checkout: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (checkout / ".env").read_text("utf-8").splitlines())


def test_a_new_env_has_all_that_compose_insists_on(checkout: Path) -> None:
    assert new_env(checkout).returncode == 0
    required = {name for name, rest in variables() if rest.startswith(":?")} - {"PADDLE_INDEX"}
    assert required == set(env(checkout))
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600
    assert re.fullmatch("[0-9a-f]{40}", env(checkout)["LABEL_STUDIO_API_KEY"])
    assert len(set(env(checkout).values())) == len(required)


def test_a_second_new_env_changes_nothing_and_prints_no_secret(checkout: Path) -> None:
    (checkout / ".env").write_text("OCR_LANGUAGE=ru\nWEBHOOK_SECRET=mine")
    first = new_env(checkout, "postgres")
    written = env(checkout)
    second = new_env(checkout, "postgres")
    assert env(checkout) == written
    assert written["OCR_LANGUAGE"] == "ru"
    assert written["WEBHOOK_SECRET"] == "mine"
    assert written["POSTGRES_PASSWORD"] in written["STORE_URL"]
    for name in ("LABEL_STUDIO_PASSWORD", "LABEL_STUDIO_API_KEY", "BASIC_AUTH_PASS", "POSTGRES_PASSWORD"):
        assert written[name] not in first.stdout + first.stderr + second.stdout


def test_an_unknown_profile_writes_nothing(checkout: Path) -> None:
    answer = new_env(checkout, "oracle")
    assert answer.returncode == 2
    assert "There is no profile 'oracle'" in answer.stderr
    assert not (checkout / ".env").exists()


def test_the_settings_of_a_profile_point_at_its_service(checkout: Path) -> None:
    new_env(checkout, "ernie", "postgres")
    assert env(checkout)["ERNIE_BASE_URL"] == "http://ernie:8180/v1"
    assert "--port=8180" in services()["ernie"]["command"]
    assert "@postgres:5432/" in env(checkout)["STORE_URL"]


def test_paddleocr_vl_is_asked_as_its_model_wants(checkout: Path) -> None:
    new_env(checkout, "paddleocr-vl")
    written = env(checkout)
    assert written["ERNIE_BASE_URL"] == "http://paddleocr-vl:8118/v1"
    assert (written["ERNIE_PROMPT_STYLE"], written["ERNIE_MODEL"]) == ("ocr", "PaddleOCR-VL-1.6-0.9B")
    assert {"--port=8118", "--model_name=${ERNIE_MODEL:-}"} <= set(services()["paddleocr-vl"]["command"])


def test_two_profiles_for_one_address_are_refused(checkout: Path) -> None:
    answer = new_env(checkout, "paddleocr-vl", "postgres", "ernie")
    assert answer.returncode == 2
    assert "name one of them" in answer.stderr
    assert not (checkout / ".env").exists()


def test_a_build_stops_where_two_wheels_write_cv2(tmp_path: Path) -> None:
    second = tmp_path / "opencv_python_headless-4.12.0.88.dist-info"
    second.mkdir()
    (second / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: opencv-python-headless\nVersion: 4.12.0.88\n"
    )
    (second / "top_level.txt").write_text("cv2\n")
    command = [sys.executable, str(ROOT / "docker" / "one_cv2.py")]
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    both = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tmp_path)}
    )
    assert (alone.returncode, alone.stderr) == (0, "")
    assert both.returncode == 1
    assert "opencv-contrib-python, opencv-python-headless" in both.stderr


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = self.server.answers  # type: ignore[attr-defined]
        status, said = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Health) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def healthy(address: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "docker" / "healthy.py"), address, "0"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={}, timeout=60)


@pytest.mark.parametrize(
    ("answers", "exit_code", "said"),
    [
        pytest.param([(200, {"status": "UP"})], 0, "", id="ready"),
        pytest.param([(200, {"status": "LOADING"}), (200, {"status": "UP"})], 0, "", id="loaded meanwhile"),
        pytest.param(
            [(200, {"status": "LOADING"}), (503, {"error": "no model"})], 1, "503", id="models failed to load"
        ),
        pytest.param([(200, "UP")], 1, "not twinread", id="somebody else answers on that port"),
    ],
)
def test_a_container_is_healthy_when_it_can_find_lines(
    server: HTTPServer, answers: list[tuple[int, object]], exit_code: int, said: str
) -> None:
    server.answers = answers  # type: ignore[attr-defined]
    check = healthy(f"http://127.0.0.1:{server.server_port}")
    assert check.returncode == exit_code
    assert said in check.stderr


def test_a_container_where_nothing_listens_is_not_healthy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: the port refuses
        check = healthy(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert check.returncode == 1
    assert "no answer" in check.stderr
