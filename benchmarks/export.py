"""What exporting costs: against the straightforward loop, against bare decoding and encoding, in memory.

`rows()` measures both sides one after the other in one run, on the same pages. Run it alone with
`python -m benchmarks.export`.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import psutil
from PIL import Image
from pydantic import SecretStr

from backend.label_studio.percent import rectangle_points, rectangle_value
from backend.page.crops import crop_line
from backend.page.geometry import RotatedRectangle, rectangle_corners
from backend.page.image_files import decode, encode
from benchmarks.table import Row
from converters.export.run import ExportOptions, export
from converters.export.staging import Staging
from converters.export.write_page import PageOptions
from converters.reviewed.image_folder import ImageFolder

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 1240, 1754  # A4 at 150 dpi
LINES = 30
MEMORY_DISK = "/dev/shm" if Path("/dev/shm").is_dir() else None
SIZE = {"original_width": WIDTH, "original_height": HEIGHT}
KEYS = ("x", "y", "width", "height", "rotation")
CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="label" toName="image"><Label value="Text"/></RectangleLabels>
<TextArea name="text" toName="image" perRegion="true"/></View>"""


def quads(seed: int, lines: int = LINES) -> list[np.ndarray]:
    """Lines of a page, top to bottom, every other one a little turned."""
    random = np.random.default_rng(seed)
    found = []
    for row in range(lines):
        x, y = int(random.integers(60, 120)), 40 + row * (HEIGHT - 80) // lines
        angle = float(random.uniform(-0.4, 0.4)) if row % 2 else 0.0
        found.append(rectangle_corners(RotatedRectangle(x, y, int(random.integers(300, 1000)), 34, angle)))
    return found


@cache
def _paper() -> np.ndarray:
    noise = np.random.default_rng(0).normal(238, 2.5, (HEIGHT, WIDTH, 1))
    return noise.repeat(3, axis=2).clip(0, 255).astype(np.uint8)


def page(seed: int) -> np.ndarray:
    """A scan: ink on slightly noisy paper."""
    random = np.random.default_rng(seed)
    paper = np.roll(_paper(), int(random.integers(WIDTH)), axis=1).copy()
    for quad in quads(seed):
        (left, top), (right, _) = quad[0].astype(int), quad[1].astype(int)
        for x in range(left + 4, right - 8, 15):
            paper[top + 8 : top + 28, x : x + int(random.integers(2, 9))] = 40
    return paper


def task(number: int, image: str, lines: int = LINES) -> dict[str, Any]:
    """A reviewed task as Label Studio exports it."""
    result = []
    for place, quad in enumerate(quads(number % 40, lines)):
        shape, _ = rectangle_value(quad, WIDTH, HEIGHT)
        common = {
            "id": f"l{place:03d}",
            "to_name": "image",
            "original_width": WIDTH,
            "original_height": HEIGHT,
        }
        value = {**shape, "rectanglelabels": ["Text"]}
        result.append({**common, "from_name": "label", "type": "rectanglelabels", "value": value})
        value = {**shape, "text": [f"Строка {number} {place} {number * place % 977}"]}
        result.append({**common, "from_name": "text", "type": "textarea", "value": value})
    moment = "2026-11-22T10:00:00Z"
    annotation = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False}
    return {"id": number, "data": {"image": image}, "annotations": [{**annotation, "updated_at": moment}]}


@contextmanager
def pages(count: int) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """A folder of JPEG pages and their tasks; in memory, since how fast the disk is says nothing of us."""
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK) as name:
        folder = Path(name)
        (folder / "images").mkdir()
        for number in range(count):
            (folder / "images" / f"{number}.jpg").write_bytes(encode(page(number), "jpeg", 90))
        yield folder, [task(number, f"/data/upload/1/{number}.jpg") for number in range(count)]


def loop(folder: Path, tasks: list[dict[str, Any]]) -> int:
    """The straightforward way: decode the page for each line, crop by the smallest rectangle, write a PNG."""
    out = folder / "loop"
    out.mkdir(exist_ok=True)
    done = 0
    for one in tasks:
        for part in one["annotations"][0]["result"][::2]:
            pixels = cv2.imread(str(folder / "images" / Path(one["data"]["image"]).name))
            height, width = pixels.shape[:2]
            points = rectangle_points([part["value"][key] for key in KEYS], {}, width, height)
            box = cv2.boxPoints(cv2.minAreaRect(points.astype(np.int32)))
            box = box[np.argsort(box[:, 0])]
            left, right = box[:2][np.argsort(box[:2, 1])], box[2:][np.argsort(box[2:, 1])]
            corners = np.array([left[0], right[0], right[1], left[1]], np.float32)
            size = (
                int(max(np.linalg.norm(corners[0] - corners[1]), np.linalg.norm(corners[2] - corners[3]))),
                int(max(np.linalg.norm(corners[0] - corners[3]), np.linalg.norm(corners[1] - corners[2]))),
            )
            flat = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
            turn = cv2.getPerspectiveTransform(corners, flat)
            crop = cv2.warpPerspective(
                pixels, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
            cv2.imwrite(str(out / f"{one['id']}_{part['id']}.png"), crop)
            done += 1
    return done


Codec: TypeAlias = tuple[Callable[[bytes], object], Callable[[np.ndarray], bytes]]
"""What decodes a page, and what encodes a crop as PNG."""


def pillow_decode(data: bytes) -> np.ndarray:
    """A page as Pillow decodes it."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def pillow_encode(crop: np.ndarray) -> bytes:
    """A crop as Pillow encodes it fastest."""
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "PNG", compress_level=1)
    return file.getvalue()


PILLOW: Codec = (pillow_decode, pillow_encode)
OURS: Codec = (decode, lambda crop: encode(crop, "png"))


def bare(
    folder: Path, tasks: list[dict[str, Any]], crops: list[list[np.ndarray]], cores: int, codec: Codec
) -> int:
    """Each page decoded once and the very crops encoded, on all cores; nothing is cut and nothing written."""
    read, write = codec

    def work(one: dict[str, Any], cut: list[np.ndarray]) -> int:
        name = Path(one["data"]["image"]).name
        read((folder / "images" / name).read_bytes())
        return sum(bool(write(crop)) for crop in cut)

    with ThreadPoolExecutor(cores) as pool:
        return sum(pool.map(work, tasks, crops))


def ours(folder: Path, tasks: list[dict[str, Any]]) -> int:
    """Our way: the whole command but for reading the file."""
    options = ExportOptions(pages=PageOptions(format="recognition"))
    shutil.rmtree(folder / "set", ignore_errors=True)
    with Staging(folder / "set") as staging:
        totals = export(iter(tasks), ImageFolder(folder / "images", 10**8), staging, options)
    return totals.regions


def seconds(work: Callable[[], int], expected: int) -> float:
    """How long it took."""
    begun = time.perf_counter()
    assert work() == expected
    return time.perf_counter() - begun


def crops_per_second(count: int = 240, times: int = 5) -> list[Row]:
    """Our crops per second against the loop and against the bare cost."""
    with pages(count) as (folder, tasks):
        lines = count * LINES
        cores = ExportOptions().jobs
        crops = [[crop_line(page(number), quad) for quad in quads(number % 40)] for number in range(count)]
        few = tasks[: count // 24]
        ours(folder, tasks[:4])
        took = []
        for _ in range(times):
            # in turns, so that a machine that slows down slows all of them
            mine = seconds(lambda: ours(folder, tasks), lines)
            pillow = seconds(lambda: bare(folder, tasks, crops, cores, PILLOW), lines)
            least = seconds(lambda: bare(folder, tasks, crops, cores, OURS), lines)
            plain = seconds(lambda: loop(folder, few), len(few) * LINES) * len(tasks) / len(few)
            took.append((mine, pillow, least, plain, plain / mine, pillow / mine, least / mine))
    mine, pillow, least, plain, against_loop, against_pillow, against_least = np.median(took, axis=0).tolist()
    return [
        Row(
            f"{lines} crops of {count} pages on {cores} cores, against a loop that decodes for each line",
            f"{against_loop:.1f} times as fast ({lines / mine:,.0f} / {lines / plain:,.0f} crops/s)",
            "at least 4 times on two cores",
            against_loop >= 4,
        ),
        Row(
            "the same, against Pillow decoding each page once and encoding the crops, on as many cores",
            f"{against_pillow:.2f} times as fast ({lines / mine:,.0f} / {lines / pillow:,.0f} crops/s)",
            "at least 1.2 times",
            against_pillow >= 1.2,
        ),
        Row(
            "the same, against our own decoding and encoding: the rest is cutting, hashes, writing, records",
            f"{against_least:.2f} of it ({lines / mine:,.0f} / {lines / least:,.0f} crops/s)",
            "at least 0.3 of it",
            against_least >= 0.3,
        ),
    ]


MEMORY = """
import sys
from functools import cache
from pathlib import Path
from converters.export.run import ExportOptions, export
from converters.export.staging import Staging
from converters.export.write_page import PageOptions
from converters.reviewed.image_folder import ImageFolder
from converters.reviewed.task_sources import from_file
folder = Path(sys.argv[1])
with Staging(folder / "set") as staging:
    images = ImageFolder(folder / "images", 10**8)
    options = ExportOptions(pages=PageOptions(format="recognition"))
    print(export(from_file(folder / "export.json"), images, staging, options).regions)
"""


def held(process: psutil.Process) -> int:
    """Bytes that a process and all that it started hold; what several share counts once."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += one.memory_full_info().pss
    return total


def peak_memory(tasks: int, lines: int = 5) -> int:
    """MiB that an export of so many tasks holds at most, with all its processes; pages are small."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "images").mkdir()
        for number in range(40):
            small = cv2.resize(page(number), (WIDTH // 4, HEIGHT // 4))
            (folder / "images" / f"{number}.jpg").write_bytes(encode(small, "jpeg", 80))
        with (folder / "export.json").open("w") as file:
            for number in range(tasks):
                file.write("," if number else "[")
                json.dump(task(number, f"/data/upload/1/{number % 40}.jpg", lines), file)
            file.write("]")
        command = [sys.executable, "-c", MEMORY, name]
        with psutil.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            peak = 0
            while running.poll() is None:
                peak = max(peak, held(running))
                time.sleep(0.1)
            regions = int(running.stdout.read())
    assert regions == tasks * lines
    return peak // 2**20


def flat_memory() -> Row:
    """Peak memory for many tasks against few."""
    few, many = peak_memory(1_000), peak_memory(20_000)
    return Row(
        "peak memory of an export of 20,000 tasks against 1,000",
        f"{many / few:.2f} times ({many} MiB / {few} MiB)",
        "at most 1.5 times",
        many <= 1.5 * few,
    )


def from_server(count: int = 200) -> Row:
    """Tasks per second out of a real Label Studio, without images: 30 lines each."""
    # each process of an export imports its main module again, which is this one: no more than is needed
    from backend.demo.label_studio_server import LabelStudioServer, Login
    from backend.label_studio.client import LabelStudio

    login = Login("bench@example.org", SecretStr("bench-password-1"), SecretStr("0" * 40))
    with (
        tempfile.TemporaryDirectory() as name,
        LabelStudioServer(Path(name), login, legacy_tokens=True) as server,
        LabelStudio(server.base_url, login.token) as api,
    ):
        project = int(api.create_project(title="bench", label_config=CONFIG)["id"])
        made = [task(number, "/none.jpg") for number in range(count)]
        api.import_tasks(project, [{key: one[key] for key in ("data", "annotations")} for one in made])
        begun = time.perf_counter()
        read = sum(1 for _ in api.tasks(project))
        took = time.perf_counter() - begun
    assert read == count
    return Row(
        f"{count} tasks of {LINES} lines read from a real Label Studio",
        f"{count / took:.0f} tasks/s",
        "at least 20 (Label Studio's own speed)",
        count / took >= 20,
    )


def rows() -> list[Row]:
    """Everything measured here."""
    return [*crops_per_second(), flat_memory(), from_server()]


if __name__ == "__main__":
    for row in rows():
        print(f"{'ok ' if row.well else 'NOT'} {row.what}: {row.measured}; expected {row.expected}")
