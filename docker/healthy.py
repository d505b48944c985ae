"""The container's health check: healthy once the models are loaded and the backend can find lines.

Waits while they load, which may mean a download, so that a failed load is told at once and a slow one
is not taken for a failure; the limit of that wait is the check's own `--timeout`.
"""

import json
import sys
import time
import urllib.error
import urllib.request

address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:9090"
patience_s = float(sys.argv[2]) if len(sys.argv) > 2 else 30
give_up = time.monotonic() + patience_s
while True:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=4) as answer:  # noqa: S310 - our own address
            said = json.load(answer)
    except urllib.error.HTTPError as refusal:
        sys.exit(f"{refusal.code}: {refusal.read(500).decode(errors='replace')}")
    except (OSError, ValueError) as error:
        # the process starts for some seconds before it listens
        if time.monotonic() > give_up:
            sys.exit(f"no answer: {error}")
    else:
        if not isinstance(said, dict) or said.get("status") not in ("UP", "LOADING"):
            sys.exit(f"not twinread: {said}")
        if said["status"] == "UP":
            break
    time.sleep(0.5)
