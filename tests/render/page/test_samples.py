"""The pages in `samples/`, and the picture of one that README.md shows, are what attnviz makes today."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from page_browser import opened
from PIL import Image

import attnviz
from attnviz.analysis import choose_head
from attnviz.render.page.assembly import STYLE, WEB, script_of

ROOT = Path(__file__).parents[3]
PAGES = {"english": "I ate an apple", "korean": "그녀는 사과를 먹고 학교에 갔다."}


@pytest.mark.parametrize("name", PAGES)
def test_a_sample_page_has_the_script_and_the_style_of_today(name):
    html = (ROOT / "samples" / "pages" / f"{name}.html").read_text("utf-8")
    made_again = f'make it again: attnviz view "{PAGES[name]}" -o samples/pages/{name}.html'
    assert script_of(WEB) in html, made_again
    assert (WEB / STYLE).read_text("utf-8") in html, made_again


@pytest.mark.parametrize("name", PAGES)
def test_a_sample_page_opens_at_the_head_that_plot_chooses(browser, name):
    choice = choose_head(attnviz.trace(PAGES[name]))
    with opened(browser, ROOT / "samples" / "pages" / f"{name}.html") as shown:
        assert shown.text("#title").startswith(PAGES[name])
        assert shown.text("#head-name") == f"L{choice.layer}H{choice.head}"
        assert (shown.errors, len(shown.requests)) == ([], 1)


def test_the_picture_in_the_readme_is_of_that_page(browser, tmp_path):
    found = importlib.util.spec_from_file_location("screenshot", ROOT / "docs" / "screenshot.py")
    screenshot = importlib.util.module_from_spec(found)
    found.loader.exec_module(screenshot)
    with opened(browser, screenshot.PAGE, screenshot.STATE, viewport=screenshot.SIZE) as shown:
        shown.page.screenshot(path=tmp_path / "page.png")
    made, kept = (
        np.asarray(Image.open(one).convert("RGB"), float) for one in (tmp_path / "page.png", screenshot.PICTURE)
    )
    assert made.shape == kept.shape
    assert np.abs(made - kept).mean() < 8, "make it again: python docs/screenshot.py"  # of 255: fonts differ
