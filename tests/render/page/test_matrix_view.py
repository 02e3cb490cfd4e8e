"""The matrix: its crosshair and what it reads, its sums, and zooming."""

import re

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder
from page_browser import STEP, opened

from attnviz.attention import Trace
from attnviz.pooling import reduce_attention
from attnviz.render.page import view


def test_the_crosshair_names_both_words_the_weight_and_the_sums(browser, file):
    with opened(browser, file, "kind=self&head=L1H1&cursor=1,3") as shown:
        read = shown.text("#readout")
        assert read.startswith("ate → apple: 0.96")
        assert "the row gives 1.00 in all" in read
        a = encoder_decoder()["self"].matrix(1, 1)
        assert f"the column gets {a[:, 3].sum():.2f} in all" in read


def test_a_pointer_on_a_cell_reads_it(browser, file):
    with opened(browser, file, "kind=self&head=L1H1") as shown:
        box = shown.page.locator("#matrix").bounding_box()
        shown.page.mouse.move(box["x"] + box["width"] - 40, box["y"] + 60)
        shown.settle()
        assert "→ apple: " in shown.text("#readout")


def test_the_arrows_move_the_crosshair_on_the_matrix_and_the_head_elsewhere(browser, file):
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        shown.page.keyboard.press("ArrowRight")
        shown.page.keyboard.press("ArrowDown")
        shown.settle()
        assert shown.text("#head-name") == "L1H1"
        shown.page.focus("#matrix")
        for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
            shown.page.keyboard.press(key)
        shown.settle()
        assert shown.text("#head-name") == "L1H1"
        assert shown.text("#readout").startswith("ate → ate: 0.02")


def test_the_rows_of_a_maximum_sum_to_more_than_one_and_say_so(browser, file):
    a = encoder_decoder()["self"]
    largest = np.maximum(a.matrix(0, 0), a.matrix(1, 1))
    with opened(browser, file, "kind=self&head=L0H0&set=L0H0,L1H1&combine=max&cursor=1,3") as shown:
        told = float(re.search(r"the row gives ([\d.]+)", shown.text("#readout"))[1])
        assert told == pytest.approx(largest[1].sum(), abs=4 * STEP)
        assert told > 1.2


def test_of_cells_of_several_tokens_no_sum_of_largest_weights_is_given_out_as_a_sum(browser, folder):
    n = 64
    weights = np.random.default_rng(0).dirichlet(np.ones(n), (1, n)).astype(np.float32)
    whole = attention(list(weights), [f"t{i}" for i in range(n)])
    ranges = [(0, 1), *((start, min(start + 3, n)) for start in range(1, n, 3))]
    pooled = reduce_attention(whole, ranges, ranges)
    path = view(Trace("m", "x", (pooled,))).save(folder / "pooled.html")
    with opened(browser, path, "cursor=4,7&sink=mask") as shown:
        read = shown.text("#readout")
        assert read.startswith("4–6 → 7–9: ")
        assert float(re.search(r": ([\d.]+)", read)[1]) == pytest.approx(weights[0, 4:7, 7:10].max(), abs=STEP)
        assert "the row gives 1.00 in all" in read
        assert "largest weight taken out of the row" in read
        assert "the column gets" not in read
        assert "largest weight taken out of a row, on average" in shown.text("#scale")


def test_what_is_read_is_on_the_screen_where_the_matrix_is_taller_than_it(browser, folder):
    weights = np.full((1, 30, 30), 1 / 30)
    trace = Trace("m", "x", (attention(list(weights), [f"t{i}" for i in range(30)]),))
    with opened(
        browser, view(trace).save(folder / "tall.html"), "cursor=3,5", viewport={"width": 1280, "height": 620}
    ) as shown:
        matrix, read = (shown.page.locator(name).bounding_box() for name in ("#matrix", "#readout"))
        assert matrix["y"] + matrix["height"] > 620
        assert read["y"] + read["height"] <= 620


def test_the_wheel_zooms_into_the_matrix_and_the_whole_comes_back(browser, folder):
    n = 40
    weights = np.random.default_rng(0).dirichlet(np.ones(n), (1, n))
    trace = Trace("m", "x", (attention(list(weights), [f"t{i}" for i in range(n)]),))
    with opened(browser, view(trace).save(folder / "large.html")) as shown:
        box = shown.page.locator("#matrix").bounding_box()
        shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in range(6):
            shown.page.mouse.wheel(0, -100)
            shown.settle()
        assert shown.page.locator('#options button:has-text("Whole matrix")').count() == 1
        shown.page.wait_for_url("**zoom=**")  # it is written when the wheel rests
        shown.page.click('#options button:has-text("Whole matrix")')
        shown.settle()
        assert "zoom=" not in shown.address()
