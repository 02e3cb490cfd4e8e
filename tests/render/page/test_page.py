"""The page in a browser: what it shows is the trace, within what its packing moves a weight."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, hybrid, labelled
from page_browser import opened

from attnviz.analysis import choose_head
from attnviz.render.page import view
from attnviz.render.scene import Scene

STEP = 0.004 + 0.0005
"""What 8 bits move a weight, and what writing it with three digits does."""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return view(encoder_decoder()).save(tmp_path_factory.mktemp("page") / "page.html")


def assert_close(shown: list[list[float | None]], weights: np.ndarray, may: np.ndarray, step: float = STEP) -> None:
    """Every cell that may be looked at shows its weight, and every other shows none."""
    found = np.array([[np.nan if cell is None else cell for cell in row] for row in shown])
    assert np.isnan(found).tolist() == (~may).tolist()
    assert np.abs(found - weights)[may].max() <= step


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


def test_the_text_is_shaded_by_what_the_token_in_focus_looks_at(browser, file):
    a = encoder_decoder()["self"]
    with opened(browser, file, "kind=self&head=L1H1&view=text&focus=1") as shown:
        assert np.abs(np.array(shown.shades()) - a.matrix(1, 1)[1]).max() <= STEP
        shown.page.click('#shaded .token:has-text("apple")', modifiers=["Shift"])
        shown.settle()
        assert np.abs(np.array(shown.shades()) - a.matrix(1, 1)[[1, 3]].sum(0)).max() <= 2 * STEP
        shown.choose("direction", "to")
        assert np.abs(np.array(shown.shades()) - a.matrix(1, 1)[:, [1, 3]].sum(1)).max() <= 2 * STEP


def test_of_cross_attention_both_texts_are_shown(browser, file):
    a = encoder_decoder()["cross"]
    with opened(browser, file, "kind=cross&head=L1H1&view=text&focus=2") as shown:
        assert shown.text("#chooser").split() == ["나는", "사과를", "먹었다", "</s>"]
        assert shown.text("#shaded").split() == ["I", "ate", "an", "apple"]
        assert np.abs(np.array(shown.shades()) - a.matrix(1, 1)[2]).max() <= STEP


def test_a_decoder_s_later_tokens_are_not_shaded(browser, file):
    with opened(browser, file, "kind=masked-self&head=L0H0&view=text&focus=1") as shown:
        assert shown.shades()[2:] == [None, None]


def test_a_click_on_a_small_heatmap_shows_that_head_and_escape_goes_back(browser, file):
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        box = shown.page.locator("#overview-canvas").bounding_box()
        shown.page.mouse.click(box["x"] + 30 + 70, box["y"] + 16 + 70)  # second layer, second head
        shown.settle()
        assert shown.text("#head-name") == "L1H1"
        shown.page.keyboard.press("Escape")
        shown.settle()
        assert shown.text("#head-name") == "L0H0"


def test_a_shift_click_draws_heads_as_one_by_their_mean_or_maximum(browser, file):
    a = encoder_decoder()["self"]
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        box = shown.page.locator("#overview-canvas").bounding_box()
        shown.page.keyboard.down("Shift")
        shown.page.mouse.click(box["x"] + 30 + 70, box["y"] + 16 + 70)
        shown.page.keyboard.up("Shift")
        shown.settle()
        assert shown.text("#head-name") == "mean: L0H0, L1H1"
        both = np.stack([a.matrix(0, 0), a.matrix(1, 1)])
        assert_close(shown.table()[2], both.mean(0), np.ones((4, 4), bool))
        shown.choose("combine", "max")
        assert_close(shown.table()[2], both.max(0), np.ones((4, 4), bool))
        shown.choose("combine", "who")
        assert "L1H1" in shown.text("#scale")


def test_the_address_holds_the_state_and_a_link_to_it_shows_the_same(browser, file):
    state = "kind=self&head=L1H1&view=text&direction=to&scale=log&theme=dark&lang=ko&focus=1%2C3"
    with opened(browser, file, state) as shown:
        before = shown.text("#readout")
        shown.page.keyboard.press("m")
        shown.page.keyboard.press("t")
        shown.settle()
        assert shown.address() == f"#{state}"
        assert shown.text("#readout") == before


@pytest.mark.parametrize(
    "state",
    ["kind=none&head=L9H9", "head=%3Cimg%3E&focus=99999,x&zoom=9,1,3,2&cursor=77,88", "mass=-1&sort=__proto__", "%"],
)
def test_an_address_that_means_nothing_is_no_fault(browser, file, state):
    with opened(browser, file, state) as shown:
        assert shown.text("#head-name") == "L1H1"
        assert shown.errors == []


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
