"""Data for the charts that the desk's toolkit draws (Chart.js, in its `canvas.chart`)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

# Colours by meaning, the same on every page; each is readable on light and dark ground.
COLOURS = {
    "sent": "#3b82f6",
    "opened": "#10b981",
    "clicked": "#8b5cf6",
    "bounced": "#ef4444",
    "left": "#f59e0b",
    "other": "#9ca3af",
}
_INK = "#9ca3af"


@dataclass(frozen=True, slots=True)
class Series:
    """One line or set of bars."""

    label: str
    values: Sequence[float]
    colour: str  # a key of COLOURS


def chart_data(labels: Sequence[str], series: Sequence[Series]) -> str:
    """The JSON for `data-value` of a chart."""
    datasets = [
        {
            "label": one.label,
            "data": list(one.values),
            "borderColor": COLOURS[one.colour],
            "backgroundColor": COLOURS[one.colour],
        }
        for one in series
    ]
    return json.dumps({"labels": list(labels), "datasets": datasets})


def chart_options(*, unit: str = "", every_label: bool = False) -> str:
    """The JSON for `data-options`: quiet axes from zero; `unit` stands at the numbers of the upright one."""
    x_ticks = {
        "color": _INK,
        "maxRotation": 30 if every_label else 0,
        "autoSkip": not every_label,
        "autoSkipPadding": 12,
    }
    y = {"beginAtZero": True, "ticks": {"color": _INK, "precision": 0}, "border": {"display": False}}
    if unit:
        y["title"] = {"display": True, "text": unit, "color": _INK}
    return json.dumps(
        {
            "responsive": True,
            "maintainAspectRatio": False,
            "animation": False,
            "interaction": {"mode": "index", "intersect": False},
            "elements": {
                "point": {"radius": 2},
                "line": {"borderWidth": 2, "cubicInterpolationMode": "monotone"},
                "bar": {"borderRadius": 3},
            },
            "plugins": {"legend": {"display": False}},
            "scales": {
                "x": {"ticks": x_ticks, "grid": {"display": False}},
                "y": y,
            },
        }
    )
