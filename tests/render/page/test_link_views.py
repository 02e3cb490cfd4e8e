"""Lines and arcs: which links are drawn, and what a pointer on a token reads."""

import re

import numpy as np
import pytest
from handmade_traces import encoder_decoder
from page_browser import STEP, opened


@pytest.mark.parametrize("view_name", ["lines", "arcs"])
def test_a_pointer_on_a_token_reads_what_it_looks_at(browser, file, view_name):
    weights = encoder_decoder()["self"].matrix(1, 1)[1]
    with opened(browser, file, f"kind=self&head=L1H1&view={view_name}&focus=1") as shown:
        before = shown.text("#readout")
        assert before.startswith("ate looks at: apple 0.96")
        for name, number in re.findall(r"(\w+) ([\d.]+)", before.split(": ", 1)[1]):
            assert float(number) == pytest.approx(weights[["I", "ate", "an", "apple"].index(name)], abs=STEP)
        box = shown.page.locator("#links").bounding_box()
        spot = (10, 26 + 24 * 3.5) if view_name == "lines" else (box["width"] - 20, box["height"] / 2)
        told = set()
        for y in np.arange(0.0, box["height"], 6) if view_name == "arcs" else [spot[1]]:
            shown.page.mouse.move(box["x"] + spot[0], box["y"] + y)
            shown.settle()
            told.add(shown.text("#readout").split(":")[0])
        assert "apple looks at" in told


def test_the_slider_keeps_the_strongest_links_that_make_up_so_much(browser, file):
    """Ink is what can be read back: with less of the weight, fewer pixels of the picture are drawn on."""
    inked = """canvas => { const context = canvas.getContext('2d');
        const all = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0; for (let i = 3; i < all.length; i += 4) count += all[i] > 0; return count; }"""
    with opened(browser, file, "kind=self&head=L1H1&view=lines") as shown:
        counts = []
        for mass in (100, 60, 20, 1):
            shown.page.locator("#mass").fill(str(mass))
            shown.settle()
            assert f"make up {mass} %" in shown.text("#mass-text")
            counts.append(shown.page.locator("#links").evaluate(inked))
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[-1]


def test_cross_attention_has_no_arcs_and_a_text_without_answer_no_steps(browser, file):
    names = "all => all.map(one => one.dataset.view)"
    with opened(browser, file, "kind=cross&view=arcs") as shown:
        assert shown.page.locator("[data-view]").evaluate_all(names) == ["matrix", "lines", "text", "neurons", "step"]
        assert shown.page.locator("#matrix").count() == 1
        shown.go("kind=self")
        assert shown.page.locator("[data-view]").evaluate_all(names) == ["matrix", "lines", "arcs", "text", "neurons"]
