"""A number by chance for each line, by which audit lines are drawn; on every machine and day the same."""

from __future__ import annotations

from hashlib import sha256


def draw_number(project: int, task: int, region: str, version: str) -> int:
    """The line's number, 64 bits of a hash. The lines with the lowest numbers are the sample.

    So the sample of 128 holds the sample of 64, and lines of new pages fall into it as often as all others.

    Args:
        project: id in Label Studio.
        task: id of the page's task.
        region: id of the line's region.
        version: the model version. Another version draws other lines, so that nobody knows them before.
    """
    line = "\n".join((str(project), str(task), region, version))
    return int.from_bytes(sha256(line.encode()).digest()[:8], "big")
