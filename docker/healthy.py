"""The container's health check: healthy once the models are loaded and the backend can find lines."""

import json
import sys
import urllib.error
import urllib.request

address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:9090"
try:
    with urllib.request.urlopen(f"{address}/health", timeout=4) as answer:  # noqa: S310 - our own address
        said = json.load(answer)
except urllib.error.HTTPError as refusal:
    sys.exit(f"{refusal.code}: {refusal.read(500).decode(errors='replace')}")
except (OSError, ValueError) as error:
    sys.exit(f"no answer: {error}")
if not isinstance(said, dict) or said.get("status") != "UP":
    sys.exit(f"not yet: {said}")
