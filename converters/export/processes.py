"""Pages made in processes of their own, one per core."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker

import cv2

from backend.errors import OperatorError, TwinreadError
from backend.page import image_files
from backend.page.limits import MAX_DECODING_PIXELS
from backend.page.pixel_budget import OPEN_PAGES, PixelBudget
from converters.export.page_jobs import PageJob
from converters.export.page_records import PageRecord
from converters.export.write_page import Place, Work, write_page
from converters.shared.interrupts import held


class WorkerDied(OperatorError):
    """A process that made pages was ended from outside."""


@contextmanager
def workers(count: int, pixels: int = OPEN_PAGES * MAX_DECODING_PIXELS) -> Iterator[Work]:
    """Gives what calls `write_page`: in one of `count` processes, or here when one is enough.

    As many large pages at once as there are cores would fill the memory: no more than so many `pixels` are
    in work in all processes together, and a larger page alone.

    They are copies of a process that has imported `write_page` and nothing else: a copy of this one
    would hold locks of threads that it does not have, and each importing for itself costs a second.

    Raises:
        WorkerDied: by what is given, when a process was ended from outside.
    """
    if count == 1:
        yield write_page
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([write_page.__module__])
    # first, since it lets Ctrl-C through when it starts
    resource_tracker.ensure_running()
    with held():
        # all processes are its copies, and Ctrl-C is this one's to handle
        forkserver.ensure_running()
    budget = PixelBudget(pixels)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin)

    def work(place: Place, job: PageJob, state: str, data: bytes, digest: str) -> PageRecord:
        try:
            with budget.hold(_pixels_of(data)):
                return pool.submit(write_page, place, job, state, data, digest).result()
        except BrokenProcessPool as error:
            raise WorkerDied(
                "A process that made pages was ended from outside, most often for lack of memory. Export "
                "again with a smaller --jobs; it goes on from here."
            ) from error

    try:
        yield work
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pixels_of(data: bytes) -> int:
    """Of an image by its header; none of one that is refused, of which the process says why."""
    try:
        return image_files.header(data, max_pixels=sys.maxsize).decoding_pixels
    except TwinreadError:
        return 0


def _begin() -> None:
    """Prepare a process, which ends with its parent."""
    # there is a process for every core already
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
