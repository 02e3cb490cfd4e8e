"""The page as a whole: its numbers are the trace's, it asks for nothing, and everyone can read it."""

from dataclasses import replace

import pytest
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, hybrid, labelled
from page_browser import STEP, assert_close, opened

from attnviz.analysis import choose_head
from attnviz.render.page import view
from attnviz.render.scene import Scene


def test_the_page_asks_for_nothing_but_itself(browser, file):
    with opened(browser, file) as shown:
        for view_name in shown.page.locator("#options [data-view]").evaluate_all("all => all.map(b => b.dataset.view)"):
            shown.page.click(f'[data-view="{view_name}"]')
            shown.settle()
        assert shown.requests == [file.as_uri()]
        assert shown.errors == []


@pytest.mark.parametrize("trace", [encoder_decoder(), hybrid(), decoder_only()])
@pytest.mark.parametrize(("exact", "step"), [(False, STEP), (True, 0.00003)])
def test_the_numbers_of_every_head_are_those_of_the_trace(browser, tmp_path, trace, exact, step):
    path = view(trace, exact=exact).save(tmp_path / "page.html")
    with opened(browser, path) as shown:
        for a in trace.attentions:
            scene = Scene(a, ())
            for layer in a.layers:
                for head in a.heads(layer):
                    shown.go(f"kind={a.kind}&head=L{layer}H{head}")
                    rows, columns, numbers = shown.table()
                    assert (rows, columns) == (list(scene.rows), list(scene.columns))
                    assert_close(numbers, a.matrix(layer, head), scene.reachable, step)
        assert shown.errors == []


def test_it_opens_at_the_head_that_plot_chooses_and_says_by_what_number(browser, file):
    choice = choose_head(encoder_decoder())
    with opened(browser, file) as shown:
        assert shown.text("#head-name") == f"L{choice.layer}H{choice.head}"
        assert f"chosen by the rule of attnviz plot: {choice.value:.2f}, a head without" in shown.text("#head-facts")


def test_hostile_text_is_shown_and_never_run(browser, tmp_path):
    trace = replace(
        labelled([*HOSTILE, "<img src=x onerror=alert(1)>"]), model="<img onerror=alert(1)>", notes=("<b>",)
    )
    path = view(trace).save(tmp_path / "page.html")
    with opened(browser, path, "view=text") as shown:
        dialogs = []
        shown.page.on("dialog", lambda dialog: dialogs.append(dialog.message) or dialog.dismiss())
        assert shown.text("#model") == "<img onerror=alert(1)>"
        assert shown.page.locator("img").count() == 0
        assert shown.page.locator("#shaded .token").count() == len(HOSTILE) + 1
        assert (dialogs, shown.errors, len(shown.requests)) == ([], [], 1)


@pytest.mark.parametrize(
    ("locale", "query", "kind"),
    [("ko-KR", "", "셀프 어텐션"), ("en-US", "?lang=ko", "셀프 어텐션"), ("fr-FR", "", "self-attention")],
)
def test_the_page_speaks_the_language_that_is_asked_for(browser, file, locale, query, kind):
    with opened(browser, file, query=query, locale=locale) as shown:
        assert shown.text("#kinds button") == kind
        assert shown.page.evaluate("document.documentElement.lang") == ("ko" if kind != "self-attention" else "en")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_light_or_dark_as_the_system_is(browser, file, scheme):
    with opened(browser, file, color_scheme=scheme) as shown:
        paper = shown.page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor")
        assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(34, 36, 44)"}[scheme]


@pytest.mark.parametrize("state", ["view=matrix", "view=text"])
def test_on_a_phone_nothing_is_wider_than_the_screen(browser, file, state):
    with opened(browser, file, state, viewport={"width": 375, "height": 700}, has_touch=True) as shown:
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= 375


def test_in_the_frame_of_a_notebook_the_page_works_without_an_address(browser, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html>{view(encoder_decoder())._repr_html_()}", "utf-8")
    made = browser.new_context(locale="en-US", offline=True)
    page, errors = made.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("html[data-drawn]").wait_for(state="attached")
    frame.locator('[data-view="text"]').click()
    frame.locator("#shaded").wait_for()
    frame.locator('#shaded .token:has-text("ate")').click()
    frame.locator('#readout:has-text("ate looks at: apple 0.96")').wait_for()
    assert errors == []
    made.close()


@pytest.mark.parametrize(
    "state", ["kind=self", "kind=self&view=text&theme=dark", "kind=cross&view=step&lang=ko", "kind=self&view=lines"]
)
def test_axe_finds_no_serious_fault(browser, file, state):
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, file, state, bypass_csp=True) as shown:
        shown.table()
        found = [
            one for one in Axe().run(shown.page).response["violations"] if one["impact"] in ("serious", "critical")
        ]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
