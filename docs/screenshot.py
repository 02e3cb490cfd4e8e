"""The picture of the interactive page that README.md shows: `python docs/screenshot.py`. It drives Chromium.

The machine needs a font with Hangul (Debian: fonts-nanum): without one the page shows boxes.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE, PICTURE = ROOT / "samples" / "pages" / "english.html", ROOT / "samples" / "pictures" / "page.png"
STATE = "kind=self&head=L3H2&focus=1&cursor=1,3"
SIZE = {"width": 1160, "height": 720}

sys.path.insert(0, str(ROOT / "tests" / "support"))


def take(picture: Path) -> None:
    """Write a picture of the sample page to `picture`."""
    from page_browser import chromium, opened

    with chromium() as browser, opened(browser, PAGE, STATE, viewport=SIZE) as shown:
        shown.page.screenshot(path=picture)


if __name__ == "__main__":
    take(PICTURE)
