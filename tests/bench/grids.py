"""How long pictures of many heads take, and how much memory: `python tests/bench/grids.py [--small]`.

Each case is a whole process, from a saved trace (or the same weights as .npy) to a PNG with 100 pixels per head. It
prints seconds, peak memory and ratios, and never fails. seaborn is a case too if it is installed.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from threading import Timer
from time import perf_counter
from typing import NamedTuple

import numpy as np

from attnviz.attention import Attention, Token, Trace

TOKENS = 32
LIMIT = 60.0
"""Seconds after which a case is stopped."""
RUNS, SHORT = 5, 20.0
"""A case runs this many times, or for this many seconds in all; the median counts."""
GRIDS = {"1 head": (1, 1), "6 × 12": (6, 12), "12 × 12": (12, 12), "32 × 32": (32, 32)}
REACH = {"6 × 12": 3, "32 × 32": 15}
"""The target: grids are this many times as fast as subplots without ticks."""
MEMORY = 400
"""The target for the memory of the largest grid, in megabytes."""

NAIVE = """
import sys
import numpy as np
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
{imports}
weights = np.load(sys.argv[1])
layers, heads, n, _ = weights.shape
labels = [f"t{{i}}" for i in range(n)]
size = (heads, layers) if layers > 1 else (7, 7)
figure, axes = plt.subplots(layers, heads, figsize=size, dpi=100, squeeze=False)
for layer in range(layers):
    for head in range(heads):
        one = axes[layer, head]
        {draw}
figure.savefig(sys.argv[2])
"""
TICKS = "one.set_xticks(range(n), labels, rotation=90); one.set_yticks(range(n), labels)"
WAYS = {
    "subplots, no ticks": ("", "one.imshow(weights[layer, head]); one.set_xticks([]); one.set_yticks([])"),
    "subplots, ticks": ("", f"one.imshow(weights[layer, head]); {TICKS}"),
    "seaborn": (
        "import seaborn",
        "seaborn.heatmap(weights[layer, head], ax=one, xticklabels=labels, yticklabels=labels, cbar=False)",
    ),
}


class Cost(NamedTuple):
    """Seconds and peak megabytes; None where the time limit was reached."""

    seconds: float | None
    megabytes: float = 0.0


def cost(command: Sequence[str], limit: float = LIMIT) -> Cost:
    """What the process `command` costs: the median of a few runs if it is short."""
    costs: list[Cost] = []
    while len(costs) < RUNS and sum(one.seconds or 0.0 for one in costs) < SHORT:
        costs.append(_once(command, limit))
        if costs[-1].seconds is None:
            return costs[-1]
    return Cost(median(one.seconds or 0.0 for one in costs), max(one.megabytes for one in costs))


def _once(command: Sequence[str], limit: float) -> Cost:
    start = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    timer = Timer(limit, process.kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    seconds = perf_counter() - start
    if seconds >= limit:
        return Cost(None)
    if status:
        raise SystemExit(f"failed: {' '.join(command)[:200]}")
    return Cost(seconds, usage.ru_maxrss / 1024)  # kilobytes, as Linux counts


def saved(folder: Path, layers: int, heads: int, tokens: int = TOKENS) -> tuple[Path, Path]:
    """The same random weights as a saved trace and as .npy `[layer, head, query, key]`."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(tokens, 0.1), (layers, heads, tokens)).astype(np.float32)
    named = tuple(Token(i, f"t{i}") for i in range(tokens))
    numbers = {layer: tuple(range(heads)) for layer in range(layers)}
    attention = Attention("self", "encoder", named, named, dict(enumerate(weights)), numbers)
    path = Trace("random", "text", (attention,)).save(folder / f"{layers}x{heads}.safetensors")
    np.save(path.with_suffix(".npy"), weights)
    return path, path.with_suffix(".npy")


def ours(trace: Path, layers: int) -> list[str]:
    """The command that draws all heads of `trace`."""
    attnviz = str(Path(sys.executable).with_name("attnviz"))
    return [attnviz, "plot", str(trace), "--layer", f"0-{layers - 1}", "-o", str(trace.with_suffix(".png"))]


def compare(name: str, folder: Path, ways: Sequence[str]) -> None:
    """Print the cost of the grid `name` in every case."""
    layers, heads = GRIDS[name]
    trace, weights = saved(folder, layers, heads)
    base = cost(ours(trace, layers))
    assert base.seconds is not None
    reach = f"   reach: under {MEMORY} MB" if name == "32 × 32" else ""
    print(f"{name}, {TOKENS} tokens\n  attnviz              {base.seconds:7.2f} s {base.megabytes:6.0f} MB{reach}")
    for way in ways:
        imports, draw = WAYS[way]
        if way == "seaborn" and not find_spec("seaborn"):
            print(f"  {way:20} not installed")
            continue
        code = NAIVE.format(imports=imports, draw=draw)
        one = cost([sys.executable, "-c", code, str(weights), str(weights.with_suffix(".naive.png"))])
        if one.seconds is None:
            print(f"  {way:20} > {LIMIT:.0f} s   attnviz takes less than 1/{LIMIT / base.seconds:.0f}")
            continue
        reach = f" (reach: 1/{REACH[name]})" if name in REACH and way == "subplots, no ticks" else ""
        ratio = f"attnviz takes 1/{one.seconds / base.seconds:.1f}{reach}"
        print(f"  {way:20} {one.seconds:7.2f} s {one.megabytes:6.0f} MB   {ratio}", flush=True)


def main() -> None:
    """Measure every grid in every case; with --small, only those that take seconds."""
    small = "--small" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        for name in list(GRIDS)[: 2 if small else None]:
            compare(name, Path(folder), list(WAYS)[: 1 if small else None])


if __name__ == "__main__":
    main()
