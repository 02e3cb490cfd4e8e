"""One browser for the tests of the page; without one they are left out, and say so."""

import importlib.util
import os

import pytest
from page_browser import CHROMIUM, chromium

WITHOUT = "no browser, so the page is not tested: apt-get install chromium, pip install -e '.[test]'"


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(WITHOUT)
    with chromium() as found:
        yield found
