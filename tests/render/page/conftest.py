"""One browser for the tests of the page; without one they are left out, and say so."""

import importlib.util
import os

import pytest
from handmade_traces import encoder_decoder
from page_browser import CHROMIUM, chromium

from attnviz.render.page import view

WITHOUT = "no browser, so the page is not tested: apt-get install chromium, pip install -e '.[test]'"


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(WITHOUT)
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def file(folder):
    """The page of a saved trace."""
    saved = encoder_decoder().save(folder / "a.safetensors")
    return view(encoder_decoder(), source=str(saved)).save(folder / "page.html")
