"""Lets the pages of a demo project be read, as people do: by `twinread preannotate`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from backend.errors import OperatorError


def read_pages(project: int, variables: Mapping[str, str]) -> None:
    """Run `twinread preannotate` as a process of its own, whose memory is given back when it is done.

    Args:
        project: the id of the project.
        variables: the environment of its backend, so that both make the same version.

    Raises:
        OperatorError: it could not read; a page that it named as failed is no error.
    """
    command = [sys.executable, "-m", "backend", "preannotate", "--project", str(project)]
    code = subprocess.run(command, env=dict(variables), check=False).returncode
    if code not in (0, 1):
        raise OperatorError(
            f"The pages of project {project} could not be read (exit code {code}); the reason stands above. "
            "Run this again when that is mended."
        )
