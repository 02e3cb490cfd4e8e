"""How large and how quick the interactive page is: `python tests/bench/page.py [--small]`. It prints and fails nothing.

Random traces of softmax attention; each page is written, and opened from disk in headless Chromium.
Times are the page's own, of `performance.measure`; the first picture is counted from the start of the navigation.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from attnviz.attention import Attention, Token, Trace
from attnviz.render.page import view

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from page_browser import chromium, opened

SPREAD = 4.0
"""Standard deviation of the scores: a row then has about as many large weights as rows of real heads have."""
CASES = {  # name: layers, heads, tokens, most megabytes, seconds to write, seconds to the first picture
    "144 heads × 128 tokens": (12, 12, 128, 3, 2.0, 1.0),
    "72 heads × 512 tokens": (6, 12, 512, None, None, None),
    "1,024 heads × 256 tokens": (32, 32, 256, 30, None, 2.0),
}
HOVERS = 40


def random_trace(layers: int, heads: int, tokens: int) -> Trace:
    """A decoder of random scores."""
    rng = np.random.default_rng(0)
    named = tuple(Token(i, f"t{i}", (4 * i, 4 * i + 3), i) for i in range(tokens))
    by_layer = {layer: _weights(rng, heads, tokens) for layer in range(layers)}
    numbers = {layer: tuple(range(heads)) for layer in range(layers)}
    a = Attention("masked-self", "decoder", named, named, by_layer, numbers, predicts=(*named[1:], None))
    return Trace("random", "abc " * tokens, (a,))


def _weights(rng: np.random.Generator, heads: int, tokens: int) -> np.ndarray:
    scores = rng.standard_normal((heads, tokens, tokens), np.float32) * SPREAD
    scores[:, ~np.tri(tokens, dtype=bool)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def measure(browser: object, path: Path) -> dict[str, float]:
    """Milliseconds: to the first picture, of a hover, of the overview after a focus."""
    with opened(browser, path) as shown:
        read = "name => performance.getEntriesByName(name).map(one => [one.startTime, one.duration])"
        first = shown.page.evaluate(read, "attnviz:drawn")[0]
        box = shown.page.locator("#matrix").bounding_box()
        for step in range(HOVERS):
            shown.page.mouse.move(box["x"] + 150 + 5 * step, box["y"] + 120 + 3 * step)
        hovers = [duration for _, duration in shown.page.evaluate(read, "attnviz:hovered")]
        shown.page.mouse.click(box["x"] + 200, box["y"] + 200)
        shown.settle()
        shades = [duration for _, duration in shown.page.evaluate(read, "attnviz:overviewed")]
    return {"first": sum(first), "hover": median(hovers), "worst hover": max(hovers), "overview": shades[-1]}


def main() -> None:
    """Every case; with --small the first alone."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, case in list(CASES.items())[: 1 if "--small" in sys.argv else None]:
            layers, heads, tokens, most, write, first = case
            trace = random_trace(layers, heads, tokens)
            start = perf_counter()
            path = view(trace, max_mb=100).save(Path(folder) / "page.html")
            seconds = perf_counter() - start
            found = measure(browser, path)
            print(name)
            print(f"  size           {path.stat().st_size / 1e6:7.2f} MB" + (f"   reach: {most} MB" if most else ""))
            print(f"  writing        {seconds:7.2f} s " + (f"   reach: {write:g} s" if write else ""))
            print(f"  first picture  {found['first'] / 1000:7.2f} s " + (f"   reach: {first:g} s" if first else ""))
            print(f"  hover          {found['hover']:7.2f} ms   reach: 16 ms; slowest {found['worst hover']:.1f} ms")
            print(
                f"  overview       {found['overview']:7.2f} ms   reach: 50 ms, for a token in focus",
                flush=True,
            )


if __name__ == "__main__":
    main()
