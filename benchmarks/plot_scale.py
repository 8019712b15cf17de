"""Draws what benchmarks.scale kept: runs in a Python of its own, which has matplotlib.

Usage: plot_scale.py RESULTS.json PLOT.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

Steps = dict[str, list[dict[str, Any]]]


def main(results: str, target: str) -> None:
    found: Steps = json.loads(Path(results).read_text(encoding="utf-8"))
    figure, (times, memory) = plt.subplots(1, 2, figsize=(13, 6), layout="constrained")
    colours = plt.get_cmap("tab20").colors
    for number, steps in enumerate(zip(*found.values(), strict=True)):
        rows = [one["rows"] for one in steps]
        style = {"marker": "o", "markersize": 4, "color": colours[number % len(colours)], "label": steps[0]["name"]}
        times.plot(rows, [one["seconds"] for one in steps], **style)
        memory.plot(rows, [one["peak_mebibytes"] for one in steps], **style)
    rows = [steps[0]["rows"] for steps in found.values()]
    times.plot(rows, [row / 20_000 for row in rows], "--", color="grey", label="as long as the history")
    times.set(xscale="log", yscale="log", xlabel="plays", ylabel="seconds", title="Time of each step")
    memory.set(xscale="log", ylim=0, xlabel="plays", ylabel="MiB", title="Peak memory of a process")
    for axes in (times, memory):
        axes.grid(visible=True, alpha=0.3)
    figure.legend(*times.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
