"""What a person takes away: the command and the picture."""

import shlex

import pytest
from command_line import run
from page_browser import opened
from PIL import Image


@pytest.mark.parametrize(
    "state",
    [
        "kind=self&head=L1H1",
        "kind=self&head=L0H0&set=L0H0,L1H1&combine=mean",
        "kind=cross&head=L1H0&view=lines&scale=log",
        "kind=self&head=L1H1&view=arcs&sink=renorm",
        "kind=masked-self&head=L1H1&view=text&focus=2&special=hide&theme=dark",
        "kind=cross&head=L0H1&view=step&focus=1",
    ],
)
def test_the_command_on_the_page_draws_it(browser, file, folder, state):
    with opened(browser, file, state) as shown:
        command = shlex.split(shown.page.input_value("#command"))
        assert command[:2] == ["attnviz", "plot"]
        assert "cannot draw all" not in shown.text("#share")
        done = run(*command[1:], "-o", folder / "drawn.png")
        assert (done.code, done.out.strip()) == (0, str(folder / "drawn.png"))


def test_what_plot_cannot_draw_is_said(browser, file):
    with opened(browser, file, "kind=self&head=L1H1&view=text&direction=to") as shown:
        assert "attnviz plot cannot draw all of this" in shown.text("#share")


@pytest.mark.parametrize("view_name", ["matrix", "lines", "arcs", "text"])
def test_the_picture_is_saved_as_png_and_svg(browser, file, folder, view_name):
    with opened(browser, file, f"kind=self&head=L1H1&view={view_name}", accept_downloads=True) as shown:
        for ending in ("PNG", "SVG"):
            with shown.page.expect_download() as download:
                shown.page.click(f'#share button:has-text("{ending}")')
            assert download.value.suggested_filename == f"self-L1H1-{view_name}.{ending.lower()}"
            download.value.save_as(folder / f"{view_name}.{ending.lower()}")
        picture = Image.open(folder / f"{view_name}.png").convert("RGB")
        assert len(picture.getcolors(1 << 24)) > 8
        svg = (folder / f"{view_name}.svg").read_text("utf-8")
        assert svg.startswith("<svg ")
        assert ">apple</text>" in svg
        assert shown.errors == []
