"""What reading with ERNIE costs: against the straightforward loop, and in processor time.

`rows()` measures both sides one after the other in one run, with the same crops, prompts and server.
Run it alone with `python -m benchmarks.reading`.
"""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import openai
from PIL import Image

from backend.page.lines import Pixels
from backend.readers.ernie.prompts import Prompt, prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from benchmarks.table import Row

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


def rows() -> list[Row]:
    """Everything measured here."""
    return [against_the_loop(), cost_of_a_reading()]


if __name__ == "__main__":
    for row in rows():
        print(f"{'ok ' if row.well else 'NOT'} {row.what}: {row.measured}; expected {row.expected}")
