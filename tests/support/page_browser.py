"""The interactive page in Debian's Chromium, without a window: opened from disk, read back, watched for requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

CHROMIUM = shutil.which("chromium")
TIMEOUT = 20_000
"""Milliseconds."""
STEP = 0.004 + 0.0005
"""What 8 bits move a weight, and what writing it with three digits does."""

MINUS = str.maketrans({"−": "-", "∞": "inf"})


@dataclass
class OpenPage:
    """A page that is open; `requests` and `errors` are what it asked for and what went wrong in it."""

    page: Any
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Wait until the page has dealt with all input, which may come with the next frame, and has drawn its state."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.page.wait_for_selector("html[data-drawn]", state="attached", timeout=TIMEOUT)

    def go(self, state: str) -> None:
        """Open the state that `state` names, as a link does: `kind=self&head=L1H0`."""
        path = self.page.url.split("#")[0]
        self.page.goto("about:blank")
        self.page.goto(f"{path}#{state}")
        self.settle()

    def address(self) -> str:
        """What the address says of the state: `#kind=self`. From the page itself: `page.url` lags behind it."""
        return str(self.page.evaluate("location.hash"))

    def text(self, selector: str) -> str:
        """The text of an element."""
        return str(self.page.locator(selector).first.inner_text())

    def choose(self, key: str, value: str) -> None:
        """Choose `value` from the list of the option `key`."""
        self.page.select_option(f'select[data-key="{key}"]', value)
        self.settle()

    def table(self) -> tuple[list[str], list[str], list[list[float | None]]]:
        """The labels of the rows and of the columns, and the weights, of the table behind the picture."""
        if not self.page.locator("#numbers").get_attribute("open"):
            self.page.evaluate("document.getElementById('numbers').open = true")
            self.settle()
        told = self.page.evaluate(
            "() => [...document.querySelectorAll('#table tr')].map(row => [...row.children].map(td => td.textContent))"
        )
        head, *body = told
        numbers = [[float(cell.translate(MINUS)) if cell else None for cell in row[1:]] for row in body]
        return [row[0] for row in body], head[1:], numbers

    def shades(self, passage: str = "#shaded") -> list[float | None]:
        """The weight of each token of the text view."""
        read = "all => all.map(one => one.dataset.weight ?? null)"
        found = self.page.locator(f"{passage} .token").evaluate_all(read)
        return [None if weight is None else float(weight) for weight in found]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Playwright's, which is Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, path: Path, state: str = "", query: str = "", **context: Any) -> Iterator[OpenPage]:
    """The page in the file `path`, at a state; `context` are Playwright's, such as `color_scheme` or `viewport`."""
    settings = {"viewport": {"width": 1280, "height": 850}, "locale": "en-US", "offline": True, **context}
    made = browser.new_context(**settings)
    shown = OpenPage(made.new_page())
    shown.page.on("request", lambda request: shown.requests.append(request.url))
    shown.page.on("pageerror", lambda error: shown.errors.append(str(error)))
    shown.page.on("console", lambda message: shown.errors.append(message.text) if message.type == "error" else None)
    shown.page.goto(f"{path.as_uri()}{query}" + (f"#{state}" if state else ""))
    shown.settle()
    yield shown
    made.close()


def assert_close(shown: list[list[float | None]], weights: np.ndarray, may: np.ndarray, step: float = STEP) -> None:
    """Every cell that may be looked at shows its weight, and every other shows none."""
    found = np.array([[np.nan if cell is None else cell for cell in row] for row in shown])
    assert np.isnan(found).tolist() == (~may).tolist()
    assert np.abs(found - weights)[may].max() <= step
