"""One page: decoded once, every line cropped and written, all of it recorded.

`write_page` is called in processes, because threads would wait for the interpreter after every crop.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from backend.errors import BadImage
from backend.fetching.references import redacted
from backend.label_studio.region_notes import accepted_in, decided_in
from backend.label_studio.regions import Region, regions
from backend.page import geometry, image_files
from backend.page.crops import TallLines, crop_line
from backend.page.limits import MAX_JPEG_SCANS, MAX_PAGE_PIXELS
from backend.page.lines import Page, picture_digest
from backend.page.orientation import orientation, with_orientation
from backend.sheets.made_annotations import Looked, Made, looked_at, made_in
from converters.export import layouts
from converters.export.file_system import write
from converters.export.layouts import Format
from converters.export.layouts.layout import Layout, Points, is_written
from converters.export.page_jobs import PageJob
from converters.export.page_records import Author, LineRecord, PageRecord, Readings
from converters.export.split import dhash
from converters.paddleocr.page_files import paddle_orientation
from converters.reviewed import region_text
from converters.reviewed.line_rules import ReviewedLine, Rules, on_page, review, text_areas_for
from converters.reviewed.reasons import LeftOutReason

CropFormat = Literal["png", "jpg"]


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What is written of a page.

    layout: the name of one of `layouts.LAYOUTS`.
    quality: of JPEG crops, 1 to 100.
    max_pixels: of a page.
    max_scans: of a page's JPEG.
    """

    format: Format = "both"
    layout: str = layouts.DEFAULT
    crop_format: CropFormat = "png"
    quality: int = 95
    tall_lines: TallLines = "auto"
    max_pixels: int = MAX_PAGE_PIXELS
    max_scans: int = MAX_JPEG_SCANS

    @property
    def recognition(self) -> bool:
        """Crops are written."""
        return self.format != "detection"

    @property
    def detection(self) -> bool:
        """Pages are written."""
        return self.format != "recognition"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is written and by which rules.

    folder: the dataset that is being written.
    out: the dataset that it becomes, for messages.
    """

    folder: Path
    out: Path
    rules: Rules
    options: PageOptions


Work = Callable[[Place, PageJob, str, bytes, str], PageRecord]
"""`write_page`, called here or in another process."""


def write_page(place: Place, job: PageJob, state: str, data: bytes, digest: str) -> PageRecord:
    """Decode a page, write its crops and itself, and record all of it.

    Args:
        place: where to write, and by which rules.
        job: the page.
        state: hash of what decides about it.
        data: the image file.
        digest: of the file.

    Raises:
        CannotWrite: the dataset's folder refuses.
    """
    try:
        page = image_files.decode(
            data, max_pixels=place.options.max_pixels, max_scans=place.options.max_scans
        )
    except BadImage as error:
        return without_image(job, place.rules, state, LeftOutReason.IMAGE_FAILED, str(error), digest)
    size = (page.width, page.height)
    predicted = None
    if job.prediction is not None:
        predicted = {region.id: region for region in regions(job.prediction["result"])}
    reviewed = review(
        job.annotation,
        place.rules,
        page=job.number,
        page_size=size,
        witnesses=job.witnesses,
        predicted=predicted,
        language=job.language or "",
    )
    names = region_text.region_names([line.region for line in reviewed])
    made = made_in(job.annotation)
    layout = layouts.layout_of(place.options.layout)
    lines = [
        _line(place, layout, job, page, _held_back(line, job), name, predicted, made)
        for line, name in zip(reviewed, names, strict=True)
    ]
    image = None
    if place.options.detection and any(line.points for line in lines):
        content, suffix = page_file(data, page)
        image = layout.page_image(job.key, job.task, suffix)
        write(place.folder, place.out, image, content)
    return _record(job, state, lines, page=page, digest=digest, image=image, made=made)


def without_image(
    job: PageJob, rules: Rules, state: str, why: LeftOutReason, sentence: str, digest: str | None = None
) -> PageRecord:
    """The record of a page whose image cannot be had: every region is left out for that reason.

    Args:
        job: the page.
        rules: how regions are judged.
        state: hash of what decides about the page.
        why: the reason.
        sentence: the same for people, with what was asked for.
        digest: of the image file, where there is one that cannot be read.
    """
    lines = [
        LineRecord(region.id, [], [], "", "\n".join(region.texts), list(region.labels), why.name)
        for region in on_page(job.annotation, rules, job.number)
    ]
    return _record(job, state, lines, problem=sentence, digest=digest)


def _record(
    job: PageJob,
    state: str,
    lines: list[LineRecord],
    *,
    page: Page | None = None,
    digest: str | None = None,
    image: str | None = None,
    problem: str | None = None,
    made: Made | None = None,
) -> PageRecord:
    version = job.prediction.get("model_version") if job.prediction else None
    return PageRecord(
        key=job.key,
        task=job.task,
        number=job.number,
        state=state,
        reference=redacted(job.reference or ""),
        author=Author.of(job.annotation),
        file_sha256=digest,
        page_sha256=page.digest if page else None,
        width=page.width if page else 0,
        height=page.height if page else 0,
        image=image,
        group=job.group,
        model_version=None if version is None else str(version),
        problem=problem,
        lines=lines,
        language=job.language,
        made=made.value if made else None,
    )


def _line(
    place: Place,
    layout: Layout,
    job: PageJob,
    page: Page,
    line: ReviewedLine,
    name: str,
    predicted: dict[str, Region] | None,
    made: Made | None,
) -> LineRecord:
    options = place.options
    crop_path = crop_hash = None
    fingerprint = 0
    if line.why is None and line.quad is not None and options.recognition:
        crop = crop_line(page.pixels, line.quad, options.tall_lines)
        crop_path = region_text.crop_name(job.key, name, options.crop_format, layout.crop_folder(job.task))
        crop_hash = picture_digest(crop)
        fingerprint = dhash(crop)
        kind: Literal["png", "jpeg"] = "png" if options.crop_format == "png" else "jpeg"
        write(place.folder, place.out, crop_path, image_files.encode(crop, kind, options.quality))
    points = None
    if line.quad is not None and is_written(line.why) and options.detection:
        points = layout.points(line.points, geometry.clamp(line.quad, page.width, page.height))
    looked = looked_at(line.region, made)
    return LineRecord(
        region=line.region.id,
        quad=_as_lists(line.quad),
        points=_as_lists(points),
        text=line.written.text if line.why is None else "",
        raw=line.written.raw,
        labels=list(line.region.labels),
        why=line.why.name if line.why else None,
        crop=crop_path,
        crop_sha256=crop_hash,
        fingerprint=fingerprint,
        changes=sorted(change.name for change in line.written.changes) if line.why is None else [],
        readings=Readings.of(line.region, predicted, text_areas_for(line.region, place.rules)),
        direction=line.direction.name if line.direction and line.why is None else None,
        looked=looked.value,
        decided=decided_in(line.region) if looked is Looked.SHEET else None,
        accepted_by=accepted_in(line.region) if looked is Looked.NOBODY else None,
    )


def _held_back(line: ReviewedLine, job: PageJob) -> ReviewedLine:
    """The line, left out where it would be exported and waits for people."""
    why = job.held_back.get(line.region.id)
    return replace(line, why=why) if line.why is None and why is not None else line


def _as_lists(points: Points | None) -> list[list[float]]:
    """Points as a record holds them, to a thousandth of a pixel; empty for none."""
    return [] if points is None else points.astype(np.float64).round(3).tolist()


def page_file(data: bytes, page: Page) -> tuple[bytes, str]:
    """The page as a file that PaddleOCR decodes to what a person saw, and its suffix.

    A JPEG, and a PNG without transparency, 16 bits or EXIF, are copied as they are; a JPEG whose EXIF
    PaddleOCR's decoder takes otherwise than a browser gets one plain orientation tag instead. Of the rest
    the decoder would drop the transparency, cut bits, or turn the page otherwise; they are written as PNG.

    Args:
        data: the image file.
        page: what it shows, upright.
    """
    if data.startswith(b"\xff\xd8\xff"):
        shown = orientation(data, "JPEG")
        return data if paddle_orientation(data) == shown else with_orientation(data, shown), "jpg"
    if _PLAIN_PNG.match(data) and not _PNG_EXTRAS.search(data):
        return data, "png"
    return image_files.encode(page.pixels, "png"), "png"


# 8 bits or fewer of grey, RGB or palette
_PLAIN_PNG = re.compile(rb"\x89PNG\r\n\x1a\n....IHDR........[\x01\x02\x04\x08][\x00\x02\x03]", re.DOTALL)
_PNG_EXTRAS = re.compile(b"tRNS|eXIf")
