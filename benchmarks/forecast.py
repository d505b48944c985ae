"""How near `preannotate --dry-run` comes to the bill of the run, on pages of documents.

The pages are parts of the sample pages, each cut anew at random, so that they differ in lines and no two
share a crop. The server of readings is the tests' stand-in, which counts tokens as ERNIE does: by the size of
the picture. Run it alone with `python -m benchmarks.forecast`, which also shows what the commands say.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from PIL import Image

from backend.readers.prices import Prices
from backend.readers.usage import Usage
from benchmarks.table import Row, show
from tests.parts.bulk_runs import preannotate, studio, summary_of
from tests.parts.ernie_stand_in import Asked, Say, StandIn
from tests.parts.samples import all_samples

TASKS = 240
FIRST = 20
"""Tasks that are read before the forecast, as it advises."""

LATENCY_S = 0.2
PRICES = Prices(input=0.14, output=0.56)
"""A public price of ERNIE 4.5 VL 28B, USD."""


def parts_of_pages(folder: Path, tasks: int) -> list[Path]:
    """Image files of random parts of the sample pages."""
    chance = random.Random(6)
    pages = [sample.path for sample in all_samples() if sample.path.name.startswith("syn")]
    files = []
    for number in range(tasks):
        with Image.open(chance.choice(pages)) as page:
            left, top = chance.randrange(page.width // 8), chance.randrange(page.height // 2)
            height = min(page.height - top, chance.randint(page.height // 5, page.height))
            part = page.convert("RGB").crop((left, top, page.width, top + height))
        scale = chance.uniform(0.6, 0.8)
        files.append(folder / f"page-{number:03}.jpg")
        part.resize((round(part.width * scale), round(part.height * scale))).save(files[-1], quality=85)
    return files


def answer(asked: Asked) -> Say:
    """As many characters as such a line has."""
    return Say("а" * (asked.picture.shape[1] // 28) if asked.picture is not None else "ready")


def rows(tasks: int = TASKS, *, aloud: bool = False) -> list[Row]:
    """The forecast, then the run that it is about."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="twinread-forecast-")))
        labels = opened.enter_context(studio(folder))
        server = StandIn(answer, latency_s=LATENCY_S)
        opened.enter_context(server.running())
        project = labels.project([])
        uploads = labels.api.upload_files(project, parts_of_pages(folder, tasks))
        labels.api.import_tasks(project, [{"data": {"image": upload.address}} for upload in uploads])
        settings: dict[str, object] = {
            **labels.settings,
            "ernie_base_url": server.base_url,
            "witness": "off",
            "ernie_model": server.model,
            "ernie_input_price": PRICES.input,
            "ernie_output_price": PRICES.output,
            "detection_model": "PP-OCRv5_mobile_det",
            "ocr_language": "ru",
        }

        def command(*arguments: object) -> None:
            given = ("--project", project, "--summary-json", "summary.json", *arguments)
            with preannotate(folder / "run", *given, settings=settings) as run:
                code = run.wait()
                assert code == 0, run.text[-3000:]
                if aloud:
                    print(f"$ twinread preannotate {' '.join(map(str, given))}\n{run.text}", flush=True)
                run.log.write_text("")

        command("--limit", FIRST)
        command("--dry-run")
        told, before = summary_of(folder / "run"), Counter(server.bill)
        command()
    bill = Counter(server.bill) - before
    usage = Usage(
        bill["calls"],
        input_tokens=bill["prompt_tokens"],
        cached_tokens=bill["cached_tokens"],
        output_tokens=bill["completion_tokens"],
    )
    cost = PRICES.cost(usage) or 0.0
    return [
        _row("calls", told["calls"]["value"], usage.calls, told),
        _row(
            "input tokens",
            sum(one["input_tokens"]["value"] for one in told["readers"]),
            usage.input_tokens,
            told,
        ),
        _row(
            "output tokens",
            sum(one["output_tokens"]["value"] for one in told["readers"]),
            usage.output_tokens,
            told,
        ),
        _row("cost in USD", told["cost"]["value"], cost, told),
    ]


def _row(what: str, said: float, came: float, told: dict[str, int]) -> Row:
    return Row(
        f"forecast of {what}, by {told['sampled']} of {told['tasks']} tasks, against the run",
        f"{said / came - 1:+.1%} ({said:,.4g} / {came:,.4g})",
        "within 10 %",
        abs(said / came - 1) <= 0.1,
    )


if __name__ == "__main__":
    show(rows(aloud=True))
