"""The small heatmaps of all heads: chosen by a click, drawn as one, and sorted by Python's own numbers."""

import re

import numpy as np
import pytest
from handmade_traces import encoder_decoder
from page_browser import assert_close, opened

import attnviz
from attnviz.analysis.head_table import head_rows
from attnviz.render.page import view


def test_a_click_on_a_small_heatmap_shows_that_head_and_escape_goes_back(browser, file):
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        box = shown.page.locator("#overview-canvas").bounding_box()
        shown.page.mouse.click(box["x"] + 30 + 70, box["y"] + 16 + 70)  # second layer, second head
        shown.settle()
        assert shown.text("#head-name") == "L1H1"
        shown.page.keyboard.press("Escape")
        shown.settle()
        assert shown.text("#head-name") == "L0H0"


def test_a_shift_click_draws_heads_as_one_by_their_mean_or_maximum(browser, file):
    a = encoder_decoder()["self"]
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        box = shown.page.locator("#overview-canvas").bounding_box()
        shown.page.keyboard.down("Shift")
        shown.page.mouse.click(box["x"] + 30 + 70, box["y"] + 16 + 70)
        shown.page.keyboard.up("Shift")
        shown.settle()
        assert shown.text("#head-name") == "mean: L0H0, L1H1"
        both = np.stack([a.matrix(0, 0), a.matrix(1, 1)])
        assert_close(shown.table()[2], both.mean(0), np.ones((4, 4), bool))
        shown.choose("combine", "max")
        assert_close(shown.table()[2], both.max(0), np.ones((4, 4), bool))
        shown.choose("combine", "who")
        assert "L1H1" in shown.text("#scale")


def test_heads_are_sorted_by_a_measure_as_the_table_of_heads_is(browser, folder):
    trace = attnviz.trace("She wore a red hat.")
    path = view(trace).save(folder / "sorted.html")
    expected = [row.name for row in head_rows(trace, "self", sort="entropy")]
    with opened(browser, path, "kind=self&sort=entropy") as shown:
        assert heads_in_order(shown, len(expected)) == expected


def test_likeness_is_the_divergence_of_the_rows(browser, file):
    a = encoder_decoder()["self"]
    one, others = a.matrix(1, 1), {f"L{layer}H{head}": a.matrix(layer, head) for layer in (0, 1) for head in (0, 1)}
    differences = {name: divergence(one, other) for name, other in others.items()}
    with opened(browser, file, "kind=self&head=L1H1&sort=likeness") as shown:
        expected = sorted(differences, key=lambda name: differences[name])
        assert heads_in_order(shown, 4) == expected
        told = shown.text("#overview-readout")
        assert float(re.search(r"nats\): ([\d.]+)", told)[1]) == pytest.approx(differences[expected[-1]], abs=0.003)


def divergence(one: np.ndarray, other: np.ndarray) -> float:
    """The mean over rows of Jensen–Shannon's divergence, smoothed, as definitions of the distance of heads say."""
    p, q = (0.999 * rows.astype(np.float64) + 0.001 / rows.shape[1] for rows in (one, other))
    m = (p + q) / 2
    return float((0.5 * (p * np.log(p / m) + q * np.log(q / m))).sum(-1).mean())


def heads_in_order(shown, count: int) -> list[str]:
    """The names of the heads in the overview, as a pointer finds them from left to right and down."""
    box, names = shown.page.locator("#overview-canvas").bounding_box(), []
    for y in np.arange(box["y"] + 12.0, box["y"] + box["height"] - 6, 20):
        for x in np.arange(box["x"] + 12.0, box["x"] + box["width"], 20):
            shown.page.mouse.move(x, y)
            shown.settle()
            name = shown.text("#overview-readout").split(" · ")[0]
            if name and name not in names:
                names.append(name)
    assert len(names) == count
    return names
