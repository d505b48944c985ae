"""How this process joins a Ray cluster that runs, and leaves it."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time

import ray
import ray.data
from ray._private import auto_init_hook

from backend.errors import ClusterFailed

log = logging.getLogger(__name__)

ASKING = ("StreamingExecutor", "ray-data-metadata-prefetch", "iter_threaded", "ray-results")
"""How the names of threads begin that ask Ray while a pass goes on. Ray Data itself leaves the one that
fetches metadata behind after some seconds. Its `Prefetcher` never ends after a pass that was broken off; it
is not waited for, since nobody gives it anything any more."""

PASS_ENDS_S = 10.0
"""How long a pass that nobody follows any more may take to end, seconds."""


def join(address: str) -> None:
    """Join a cluster that runs; `leave` leaves it.

    Args:
        address: of its head, such as `10.0.0.1:6379`; `auto` for that of this machine.

    Raises:
        ClusterFailed: there is no cluster at the address.
    """
    # read by Ray when it starts: it says much, and to the maker of Ray as well
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # else a thread that asks something of Ray after the cluster was left would start one on this machine
    auto_init_hook.enable_auto_connect = False
    try:
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL, address=address)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise ClusterFailed(
            f"There is no Ray cluster to join at '{address}' ({type(error).__name__}). Start one with 'ray "
            "start --head' on this machine and 'ray start --address' on others, or leave --engine out to "
            "read on this machine alone. Where its nodes ask for a token, set RAY_AUTH_MODE=token here, too."
        ) from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # a worker that is lost costs the tasks that it had; they are done again, and all others go on
    context.max_errored_blocks = -1
    # each row a block of its own, which goes on at once
    context.target_max_block_size = 1


def leave() -> None:
    """Leave the cluster, which goes on; a second call does nothing.

    Ray ends a process at once, without a word to its caller, of which a thread asks it for something, or
    frees an object of it, while the cluster is left. So no thread of ours may do so; threads of Ray Data that
    drive a pass are waited for, and while one goes on, the cluster is left at the end of the process.
    """
    end = time.monotonic() + PASS_ENDS_S
    for thread in _driving():
        thread.join(max(0.0, end - time.monotonic()))
    if _driving():
        log.debug("a pass of Ray Data goes on, so the cluster is left at the end of this process")
        return
    gc.collect()
    ray.shutdown()


def _driving() -> list[threading.Thread]:
    """The threads of passes that may still ask Ray for something."""
    return [thread for thread in threading.enumerate() if thread.name.startswith(ASKING)]
