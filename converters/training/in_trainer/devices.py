"""Prints what Paddle sees, as JSON: `{"cuda": false, "count": 0, "paddle": "3.3.1"}`."""

from __future__ import annotations

import json


def main() -> None:
    """Print it as the last line; Paddle may print others before."""
    import paddle

    cuda = bool(paddle.is_compiled_with_cuda())
    count = int(paddle.device.cuda.device_count()) if cuda else 0
    print(json.dumps({"cuda": cuda, "count": count, "paddle": paddle.__version__}))


if __name__ == "__main__":
    main()
