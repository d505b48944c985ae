"""A forecast for a terminal and for machines."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from backend.bulk.estimates import Figure
from backend.bulk.forecast import Forecast, ReaderForecast
from backend.outputs import printable

SHOWN = 10
"""Tasks that cannot be read are shown with their reasons, the first ones."""


def tables(forecast: Forecast) -> list[Table]:
    """What the run takes: in all, and by each reader that costs money."""
    whole = Table("", "in all", "95 % interval", title=_title(forecast))
    whole.add_row("tasks without a prediction", f"{forecast.tasks:,}", "")
    _add(whole, "pages", forecast.pages)
    _add(whole, "lines", forecast.lines)
    if forecast.readers:
        _add(whole, "readings at hand, which cost nothing", forecast.kept)
        _add(whole, "calls", forecast.calls)
    if forecast.cost is not None:
        shown = forecast.prices.shown
        whole.add_row("cost", shown(forecast.cost.value), _interval(forecast.cost, shown))
    if not forecast.readers:
        return [whole]
    readers = Table("reader", "calls", "input", "cached", "output", "known by", title="Tokens")
    for reader in forecast.readers:
        readers.add_row(
            # without the hash of its settings, which says nothing to people
            Text(printable(reader.reader.rpartition("@")[0] or reader.reader)),
            _whole(reader.calls.value),
            _whole(reader.input_tokens.value),
            f"{reader.cached_share:.0%}",
            _whole(reader.output_tokens.value),
            f"{reader.measured:,} calls" if reader.measured else "a guess",
        )
    return [whole, readers]


def sentences(forecast: Forecast, project: int) -> list[str]:
    """What is to be said of the figures, one sentence after the other."""
    told = [_time(forecast)]
    if forecast.disputed is not None:
        share, lines = forecast.disputed
        by = f"as on {lines:,} lines that are read" if lines else "an estimate: no page says it yet"
        told.append(f"Readers that are asked when others differ are asked for {share:.0%} of lines ({by}).")
    if forecast.guessed or (forecast.disputed is not None and not forecast.disputed[1]):
        told.append(
            "What a call takes was measured nowhere yet, so it is an estimate. Run `twinread preannotate "
            f"--project {project} --limit 20` and then this again: what those pages say is kept."
        )
    if forecast.readers and forecast.cost is None:
        told.append("Set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE (of a million tokens) to see the cost.")
    if forecast.cost is not None and forecast.cost.value and math.isfinite(forecast.cost.high):
        most = forecast.cost.high
        told.append(
            f"`--max-cost {most:.2f}` ends the run at the upper end of the interval."
            if most >= 1
            else f"`--max-cost {most:.2g}` ends the run at the upper end of the interval."
        )
    if forecast.failed:
        told.append(
            f"{len(forecast.failed)} of the {forecast.sampled} sampled tasks cannot be read; as many of all "
            "are taken to fail in the run:"
        )
        shown = list(forecast.failed.items())[:SHOWN]
        told += [f"    task {task}: {printable(why)}" for task, why in shown]
        if len(forecast.failed) > SHOWN:
            told.append(f"    ... and {len(forecast.failed) - SHOWN} more.")
    return told


def figures(forecast: Forecast) -> dict[str, Any]:
    """The same as plain values."""
    slowest = forecast.slowest
    cost = _plain(forecast.cost) if forecast.cost is not None else None
    return {
        "dry_run": True,
        "tasks": forecast.tasks,
        "sampled": forecast.sampled,
        "unreadable": {str(task): why for task, why in forecast.failed.items()},
        "pages": _plain(forecast.pages),
        "lines": _plain(forecast.lines),
        "kept_readings": _plain(forecast.kept),
        "calls": _plain(forecast.calls),
        "cost": cost,
        "currency": forecast.prices.currency,
        "readers": [_reader(reader) for reader in forecast.readers],
        "disputed_share": forecast.disputed and forecast.disputed[0],
        "disputed_lines": forecast.disputed and forecast.disputed[1],
        "tokens_are_an_estimate": forecast.guessed,
        "stages": [asdict(stage) for stage in forecast.stages],
        "slowest_stage": slowest.name if slowest else None,
        "seconds": slowest.seconds if slowest else None,
    }


def _title(forecast: Forecast) -> str:
    if forecast.sampled == forecast.tasks:
        return f"All {forecast.tasks:,} tasks were looked at"
    return f"By {forecast.sampled:,} of {forecast.tasks:,} tasks"


def _time(forecast: Forecast) -> str:
    stages = "; ".join(
        f"{stage.name} {_duration(stage.seconds) if stage.seconds is not None else 'not measured yet'}"
        for stage in forecast.stages
    )
    slowest = forecast.slowest
    if slowest is None:
        return f"How long it takes is not known before the first calls: {stages}."
    return (
        f"It takes about {_duration(slowest.seconds or 0.0)}, as long as its slowest stage, {slowest.name} "
        f"({stages})."
    )


def _reader(reader: ReaderForecast) -> dict[str, Any]:
    return {
        "reader": reader.reader,
        "calls": _plain(reader.calls),
        "input_tokens": _plain(reader.input_tokens),
        "cached_share": reader.cached_share,
        "output_tokens": _plain(reader.output_tokens),
        "measured_calls": reader.measured,
        "seconds_of_a_call": reader.call_s,
    }


def _plain(figure: Figure) -> dict[str, float | None]:
    # JSON has no infinity
    high = figure.high if math.isfinite(figure.high) else None
    return {"value": figure.value, "low": figure.low, "high": high}


def _add(table: Table, name: str, figure: Figure) -> None:
    table.add_row(name, _whole(figure.value), _interval(figure, _whole))


def _interval(figure: Figure, shown: Any) -> str:
    if figure.exact:
        return ""
    return f"{shown(figure.low)} to {shown(figure.high) if math.isfinite(figure.high) else 'any'}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _duration(seconds: float) -> str:
    """Such as `40 s`, `12 min` or `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
