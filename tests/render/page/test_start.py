"""The page opens with what `plot` draws, without an address that says so."""

import pytest
from handmade_traces import encoder_decoder
from page_browser import opened

from attnviz.render.options import PlotOptions
from attnviz.render.page import view
from attnviz.render.page.start import start_of
from attnviz.render.plan import plot_scene
from attnviz.selection import Selection


def start(options: PlotOptions, **selection) -> str:
    """The start of the page of what `plot` draws with these options."""
    asked = Selection.of(*(selection.get(name) for name in ("layer", "head", "kind")))
    trace = asked.apply(encoder_decoder())
    return start_of(trace, plot_scene(trace, asked, options)[0], options)


@pytest.mark.parametrize(
    ("options", "selection", "expected"),
    [
        ({}, {}, "kind=self&view=matrix&head=L1H1"),
        ({"style": "arcs", "log": True}, {"head": "L0H1"}, "kind=self&view=arcs&head=L0H1&scale=log"),
        ({"sink": "renorm", "theme": "dark"}, {"layer": "0"}, "kind=self&view=matrix&head=L0H0&sink=renorm&theme=dark"),
        (
            {"max": True},
            {"kind": "cross"},
            "kind=cross&view=matrix&head=L0H0&set=L0H0%2CL0H1%2CL1H0%2CL1H1&combine=max",
        ),
        ({"mean": True}, {"head": "L0H1"}, "kind=self&view=matrix&head=L0H1"),
        ({"style": "text", "query": "apple"}, {"head": "L1H1"}, "kind=self&view=text&head=L1H1&focus=3"),
    ],
)
def test_what_plot_draws_is_written_as_an_address(options, selection, expected):
    assert start(PlotOptions(**options), **selection) == expected


def test_a_page_without_an_address_shows_its_start_and_comes_back_to_it(browser, tmp_path):
    first = start(PlotOptions(style="text", query="먹었다"), kind="cross", head="L0H1")
    path = view(encoder_decoder(), start=first).save(tmp_path / "page.html")
    with opened(browser, path) as shown:
        assert shown.text("#head-name") == "L0H1"
        assert shown.page.locator('#chooser [aria-selected="true"]').inner_text() == "먹었다"
        shown.page.keyboard.press("1")
        shown.settle()
        assert shown.address().startswith("#kind=self")
        shown.page.keyboard.press("Escape")
        shown.settle()
        assert shown.page.locator('#chooser [aria-selected="true"]').inner_text() == "먹었다"


def test_an_address_is_more_than_the_start(browser, tmp_path):
    path = view(encoder_decoder(), start="kind=cross&head=L0H1").save(tmp_path / "page.html")
    with opened(browser, path, "kind=self&head=L0H0") as shown:
        assert shown.text("#head-name") == "L0H0"
