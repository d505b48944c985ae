"""What reading costs: by ERNIE against the straightforward loop, by a PP-OCR model against onnxruntime alone.

`rows()` measures both sides in turns in one run, with the same crops, prompts and server. Run it alone with
`python -m benchmarks.reading`.
"""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import onnxruntime
import openai
from PIL import Image

from backend.cores import cores
from backend.models import locate
from backend.models.devices import EngineOptions
from backend.page import image_files
from backend.page.crops import crop_line
from backend.page.lines import Pixels
from backend.readers.ernie.prompts import Prompt, prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.paddle import PaddleReader, RecognitionOptions, model_input
from benchmarks.table import Row
from tests.parts.samples import all_samples

ROOT = Path(__file__).resolve().parent.parent
MODEL = "ernie-stand-in"


@contextmanager
def stand_in(latency_s: float) -> Iterator[str]:
    """A server of its own process, which answers without looking; gives its base URL."""
    command = [sys.executable, "-m", "tests.parts.ernie_stand_in", "--port", "0", "--unchecked"]
    command += ["--latency", str(latency_s), "--model", MODEL]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def some_crops(count: int) -> list[Pixels]:
    """Crops as they come from scans: 36 to 52 pixels high, 200 to 700 wide, ink on slightly noisy paper."""
    random = np.random.default_rng(7)
    crops = []
    for _ in range(count):
        height, width = int(random.integers(36, 52)), int(random.integers(200, 700))
        paper = random.normal(235, 3, (height, width, 1)).repeat(3, axis=2)
        for left in range(8, width - 16, 14):
            paper[10 : height - 10, left : left + int(random.integers(2, 9))] = 40
        crops.append(paper.clip(0, 255).astype(np.uint8))
    return crops


def loop(url: str, crops: list[Pixels], both: tuple[Prompt, Prompt]) -> int:
    """The straightforward way: line by line, one call after the other; gives the number of readings."""
    client = openai.OpenAI(base_url=url, api_key="none")
    answered = 0
    for crop in crops:
        buffer = io.BytesIO()
        Image.fromarray(crop).save(buffer, "JPEG")
        address = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
        for prompt in both:
            response = client.chat.completions.create(
                model=MODEL,
                messages=[
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": address}},
                            {"type": "text", "text": prompt.text},
                        ],
                    }
                ],
            )
            answered += bool(response.choices[0].message.content)
    client.close()
    return answered


def read_all(server: ErnieServer, crops: list[Pixels], both: tuple[Prompt, Prompt]) -> int:
    """Our way; gives the number of readings."""
    futures = [future for prompt in both for future in ErnieReader(server, prompt).submit(crops)]
    return sum(bool(future.result().text) for future in futures)


def against_the_loop(count: int = 200, latency_s: float = 0.2, concurrency: int = 64) -> Row:
    """Read crops twice each, by the loop and by us, from a server that takes its time."""
    crops, both = some_crops(count), prompts()
    with stand_in(latency_s) as url:
        begun = time.perf_counter()
        assert loop(url, crops, both) == 2 * count
        theirs = time.perf_counter() - begun
        ours = []
        for _ in range(5):
            server = ErnieServer(ErnieOptions(url, MODEL, concurrency=concurrency))
            begun = time.perf_counter()
            assert read_all(server, crops, both) == 2 * count
            ours.append(time.perf_counter() - begun)
            server.close()
    # the loop mostly waits; our runs are so short that a neighbour's work on the machine shows in them
    best = min(ours)
    ratio = theirs / best
    return Row(
        f"{count} crops read twice, {latency_s * 1000:g} ms latency, {concurrency} in flight, against a loop",
        f"{ratio:.1f} times as fast ({theirs:.1f} s / {best:.2f} s, best of {len(ours)})",
        "at least 50 times (64 is the limit)",
        ratio >= 50,
    )


def cost_of_a_reading(count: int = 400) -> Row:
    """Processor time of our process per reading, encoding included, from a server without latency."""
    crops, both = some_crops(count), prompts()
    ours, theirs = [], []
    with stand_in(0) as url:
        server = ErnieServer(ErnieOptions(url, MODEL))
        read_all(server, crops[:20], both)  # connections and imports are not what a reading costs
        # in turns, so that a machine that slows down slows both
        for _ in range(3):
            begun = time.process_time()
            assert loop(url, crops[: count // 4], both) == count // 2
            between = time.process_time()
            assert read_all(server, crops, both) == 2 * count
            theirs.append((between - begun) / (count // 2))
            ours.append((time.process_time() - between) / (2 * count))
        server.close()
    mine, least = median(ours), median(theirs)
    return Row(
        "processor time of the client per reading, server without latency, against the same loop",
        f"{mine / least:.2f} times ({mine * 1000:.2f} ms / {least * 1000:.2f} ms)",
        "about the same: at most 1.25 times",
        mine <= 1.25 * least,
    )


def true_crops(count: int) -> list[Pixels]:
    """Lines of the sample pages, of all widths."""
    crops: list[Pixels] = []
    for one in all_samples():
        page = image_files.decode(one.path.read_bytes(), max_pixels=10**8)
        quads = [np.float32(line["poly"]) for line in one.lines if len(line["poly"]) == 4]
        crops += [crop_line(page.pixels, quad) for quad in quads]
    return crops[:: max(1, len(crops) // count)][:count]


def bare_session(
    session: onnxruntime.InferenceSession, pieces: list[npt.NDArray[np.uint8]]
) -> tuple[float, int]:
    """Lines per second of onnxruntime alone, with what no recogniser can leave out; and how many had text."""
    name, written = session.get_inputs()[0].name, 0
    begun = time.perf_counter()
    for piece in pieces:
        picture = (piece.transpose(2, 0, 1)[None].astype(np.float32) / 255 - 0.5) / 0.5
        [steps] = session.run(None, {name: picture})
        written += bool(steps[0].argmax(axis=1).any())
    return len(pieces) / (time.perf_counter() - begun), written


def local_reading(count: int = 120, turns: int = 5) -> list[Row]:
    """PaddleReader against one session of onnxruntime, both on all cores; its model is the one that came."""
    crops = true_crops(count)
    # a line that is cut into pieces would count twice on one side
    lines = [crop for crop in crops if len(model_input(crop)) == 1]
    pieces = [model_input(crop)[0] for crop in lines]
    folder = locate.find_model("PP-OCRv5_mobile_rec", source="packages").directory
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.log_severity_level = 3
    bare = onnxruntime.InferenceSession(
        str(folder / "inference.onnx"), options, providers=["CPUExecutionProvider"]
    )
    reader = PaddleReader(None, RecognitionOptions(engine=EngineOptions(device="cpu")), source="packages")
    reader.start()
    reader.wait()
    ours, theirs, walls = [], [], []
    for turn in range(turns + 1):
        # in turns, so that a machine that slows down slows both; both are asked for text, not for silence
        speed, written = bare_session(bare, pieces)
        assert written > count / 2
        wall, cpu = time.perf_counter(), time.process_time()
        assert sum(bool(future.result().text) for future in reader.submit(lines)) > count / 2
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        # the first turn is theirs who prepare their memory for each width
        if turn:
            theirs.append(speed)
            ours.append(len(lines) / wall)
            walls.append(wall / (cpu / cores()))
    reader.stop()
    ratio = median(ours) / median(theirs)
    load = f"load {os.getloadavg()[0]:.1f} on {cores()} cores"
    return [
        Row(
            "PaddleReader, lines per second on all cores, against onnxruntime's own session on all cores",
            f"{ratio:.2f} times ({median(ours):.1f} / {median(theirs):.1f}, {load})",
            "at least 1.3 times",
            ratio >= 1.3,
        ),
        Row(
            "PaddleReader, wall time against its processor seconds / cores (more: cores stood idle)",
            f"{min(walls):.2f} (best of {turns}, {load})",
            "at most 1.05 on a machine of its own",
            min(walls) <= 1.05,
        ),
    ]


def rows() -> list[Row]:
    """Everything measured here."""
    return [against_the_loop(), cost_of_a_reading(), *local_reading()]


if __name__ == "__main__":
    for row in rows():
        print(f"{'ok ' if row.well else 'NOT'} {row.what}: {row.measured}; expected {row.expected}")
