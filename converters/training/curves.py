"""The curves of a training, drawn with the plots that reports have; pure."""

from __future__ import annotations

from converters.shared.plots import Curve, Plot, plot_steps
from converters.shared.templating import template
from converters.training.history import History

MOST_POINTS = 240
"""Of one curve: more lie closer together than a screen shows."""


def plots_of(history: History) -> list[Plot]:
    """Loss and accuracy by step; those that nothing is known of are left out."""
    drawn = []
    losses = [(one.step, one.ctc) for one in history.steps if one.ctc is not None]
    if losses:
        thinned = losses[:: -(-len(losses) // MOST_POINTS)]
        if thinned[-1] != losses[-1]:
            thinned.append(losses[-1])
        steps, values = [step for step, _ in thinned], [value for _, value in thinned]
        drawn.append(
            plot_steps(
                "Loss (CTC) of the lines trained on, by step", steps, [_curve("loss", values)], percent=False
            )
        )
    if history.evaluations:
        read = [one.norm_edit_dis for one in history.evaluations]
        exact = [one.acc for one in history.evaluations]
        drawn.append(
            plot_steps(
                "Right in the lines for evaluation, by step",
                [one.step for one in history.evaluations],
                [_curve("characters", read), _curve("whole lines", exact)],
                percent=True,
            )
        )
    return drawn


def picture(history: History) -> str:
    """The curves as one SVG file, one plot under the other, on white."""
    return template("curves.svg.j2").render(plots=plots_of(history))


def _curve(name: str, values: list[float]) -> Curve:
    return Curve(name, values, [None] * len(values))
