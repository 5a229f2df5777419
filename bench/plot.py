"""Draws bench/plots/*.svg from bench/results/*.json, which the loader's benches write.

Usage: build/venv/peers/bin/python bench/plot.py

SPDX-License-Identifier: Apache-2.0
"""

import json

import matplotlib
from loader_rounds import HERE, RESULTS, duration
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

PLOTS = HERE / "plots"
OURS, LIMIT, OTHERS = "#d1495b", "#d9d9d9", "#8c8c8c"
STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "forkpolicy",  # the same file from the same figures
    "font.size": 10,
    "font.family": ["DejaVu Sans", "sans-serif"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
ROW = 0.25  # inches


def color(who):
    if who.startswith("forkloader"):
        return OURS
    return LIMIT if who.startswith("reading") else OTHERS


def draw(name, title, groups, least, most):
    """groups: {title: [(who, median, best)]}, one below the other, in seconds."""
    rows = sum(len(bars) + 1.5 for bars in groups.values())
    figure, axes = pyplot.subplots(figsize=(8, rows * ROW + 0.9), layout="constrained")
    axes.set_xscale("log")
    place, ticks = 0, []
    for group, bars in groups.items():
        axes.text(least, place, group, va="center", fontweight="bold")
        for who, seconds, best in bars:
            place += 1
            ticks.append((place, who))
            axes.barh(place, seconds, height=0.72, color=color(who), zorder=2)
            axes.vlines(best, place - 0.36, place + 0.36, color="white", zorder=3)
            weight = "bold" if who.startswith("forkloader") else "normal"
            axes.text(seconds * 1.12, place, duration(seconds), va="center", fontweight=weight)
        place += 1.5
    axes.set_yticks(*zip(*ticks))
    axes.set_xlim(least, most)
    axes.set_ylim(place - 0.8, -0.6)  # from above
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#ececec", zorder=0)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(LogLocator(10, numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: duration(seconds)))
    axes.set_xlabel("median time, logarithmic: shorter is better; white: the best round")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    PLOTS.mkdir(exist_ok=True)
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})


def read(name):
    return json.loads((RESULTS / f"{name}.json").read_text())["figures"]


def fastest_first(figures):
    bars = ((one["who"], one["median"], one["best"]) for one in figures)
    return sorted(bars, key=lambda bar: bar[1])


def draw_build():
    figures = read("loader_build")
    rows = max(figure["rows"] for figure in figures)
    groups = {}
    for figure in figures:
        if figure["rows"] == rows:
            groups.setdefault(figure["what"], []).append(figure)
    groups = {shape: fastest_first(found) for shape, found in groups.items()}
    draw("loader_build", f"A permutation table of {rows:,} rows", groups, 1e-5, 20)


def draw_read():
    comparisons = []
    for figure in read("loader_read"):
        if figure["who"] == "forkloader":  # the first of each
            comparisons.append([])
        comparisons[-1].append(figure)
    groups = {}
    for found in sorted(comparisons, key=len, reverse=True):
        what, rows, pages = (found[0][key] for key in ("what", "rows", "pages"))
        if what == "random rows":  # an epoch takes as long
            beside = " beside LanceDB" if len(found) == 2 else ""
            groups[f"of {rows:,}{beside}, in {pages} pages"] = fastest_first(found)
    draw("loader_read", "A batch of 1,024 random rows of 524 bytes", groups, 1e-5, 0.3)


def draw_train():
    groups = {}
    for figure in read("loader_train"):
        groups.setdefault(figure["what"], []).append(figure)
    groups = {what: fastest_first(found) for what, found in groups.items()}
    draw("loader_train", "1,024 shuffled rows of 524 bytes as torch tensors", groups, 5e-5, 2)


if __name__ == "__main__":
    matplotlib.use("svg")
    with pyplot.rc_context(STYLE):
        draw_build()
        draw_read()
        draw_train()
