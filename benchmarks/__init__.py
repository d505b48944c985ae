"""What twinread costs, as ratios measured side by side in one run: `make bench`.

A benchmark that `timeout` ends leaves nothing running: SIGTERM ends its blocks, as Ctrl-C does.
"""

import signal
import sys
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    # a second one must not cut short how the first one clears up
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + number)


signal.signal(signal.SIGTERM, _leave)
