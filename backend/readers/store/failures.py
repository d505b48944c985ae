"""What a database's own words mean for the operator: one sentence, without path, address or text."""

from __future__ import annotations

from backend.errors import StoreFailed

_REASONS = (
    (("disk is full", "no space left", "disk i/o", "53100"), "its disk is full or failing; make room"),
    (("readonly", "read-only", "25006"), "it is read-only; give twinread the right to write file and folder"),
    (("locked", "55p03", "57014"), "another program keeps it locked; end that program"),
    (("unable to open", "[errno"), "its file cannot be opened; check that the folder is twinread's to write"),
    (
        ("not a database", "malformed"),
        "its file is damaged or no database; move it away to begin anew",
    ),
    (
        ("28p01", "28000", "authentication failed", "fatal:  role"),
        "it refused user or password; check STORE_URL",
    ),
    (("3d000", "fatal:  database"), "there is no database of that name; create it or check STORE_URL"),
    (("42501",), "its user lacks a right there; let it create and write tables"),
    (("53300", "57p03", "too many clients"), "it takes no more connections at the moment; try again"),
    (("queuepool limit",), "it answers too slowly; look at its load"),
)
"""What a database's own words (or its SQLSTATE) mean for the operator; the first match counts."""


def failed(error: Exception) -> StoreFailed:
    """One sentence without path, address or text: what the database said decides which."""
    cause = getattr(error, "orig", None) or error
    sqlstate = getattr(cause, "sqlstate", "")
    said = f"{sqlstate or ''} {cause}".lower()
    advice = next((advice for marks, advice in _REASONS if any(mark in said for mark in marks)), "")
    if not advice and (sqlstate is None or sqlstate.startswith(("08", "57P"))):
        advice = "it cannot be reached; check that it runs, and STORE_URL"
    if not advice:
        advice = f"it failed ({type(cause).__name__}); its own log may say more"
    return StoreFailed(f"The store of readings cannot be used: {advice}.")
