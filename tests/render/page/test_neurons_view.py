"""Query · key: every number of a score is the one of `Projections`, and what is not on the page is told."""

from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, with_neurons
from page_browser import STEP, opened

from attnviz.attention import Trace
from attnviz.attention.projections import MASK, Projections
from attnviz.render.page import view

NUMBER = 0.0051
"""What writing a number with two digits moves it, and 24 bits."""
LAYER = 1
HOSTILE_TERM = "</script><img src=x>"


def with_all_terms() -> Trace:
    """The handmade trace with a bias of each head and learned sinks, and with the weights that its scores give."""
    random = np.random.default_rng(1)

    def made(a):
        p = a.projections[LAYER]
        bias = random.normal(size=(len(p.queries), p.queries.shape[1], p.keys.shape[1])).astype(np.float32)
        sinks = random.normal(size=len(p.queries)).astype(np.float32)
        p = replace(p, terms={HOSTILE_TERM: bias, **p.terms}, sinks=sinks)
        rows = [[p.weights(head, query) for query in range(len(a.queries))] for head in range(len(p.queries))]
        weights = np.array(rows, np.float32)
        return replace(a, projections={LAYER: p}, by_layer={**a.by_layer, LAYER: weights})

    trace = with_neurons()
    return replace(trace, attentions=tuple(made(a) for a in trace.attentions))


@pytest.fixture(scope="module")
def trace():
    return with_all_terms()


@pytest.fixture(scope="module")
def page(trace, tmp_path_factory):
    return view(trace).save(tmp_path_factory.mktemp("neurons") / "page.html")


def table_of(shown) -> dict[str, np.ndarray]:
    """The columns of the table, by their titles."""
    _, titles, rows = shown.table()
    columns = np.array([[np.nan if cell is None else cell for cell in row] for row in rows]).T
    return dict(zip(titles, columns, strict=True))


def assert_shown(column, numbers, step=NUMBER):
    assert np.isneginf(column).tolist() == np.isneginf(numbers).tolist()
    seen = np.isfinite(numbers)
    assert np.abs(column[seen] - numbers[seen]).max() <= step


@pytest.mark.parametrize("kind", ["self", "masked-self", "cross"])
@pytest.mark.parametrize("head", [0, 1])
def test_the_numbers_of_every_key_are_those_of_the_projections(browser, trace, page, kind, head):
    a, query = trace[kind], 2
    p = a.projections[LAYER]
    with opened(browser, page, f"kind={kind}&head=L{LAYER}H{head}&view=neurons&focus={query}") as shown:
        found = table_of(shown)
        expected = ["q·k", "× 0.5", "capped at 3", f"+ {HOSTILE_TERM}"] + ["+ mask"] * (MASK in p.terms)
        assert list(found) == [*expected, "= score", "weight"]
        products = p.products(head, query).sum(-1)
        assert_shown(found["q·k"], products)
        assert_shown(found["× 0.5"], products * p.scale)
        assert_shown(found["capped at 3"], p.scaled(head, query))
        for name in p.terms:
            assert_shown(found[f"+ {name}"], p.term(name, head, query))
        assert_shown(found["= score"], p.scores(head, query))
        weights = np.where(np.isnan(found["weight"]), 0, found["weight"])
        assert np.abs(weights - a.matrix(LAYER, head)[query]).max() <= STEP
        sink = 1 - p.weights(head, query).sum()
        assert f"A learned score of {p.sinks[head]:.2f}".replace("-", "−") in shown.text("#sum")
        assert f"takes {sink:.3f}" in shown.text("#sum")
        assert "differ from the softmax" not in shown.text("#sum")
        assert shown.errors == []


def test_the_arrow_keys_read_every_product_and_the_products_add_up(browser, trace, page):
    p = trace["self"].projections[LAYER]
    with opened(browser, page, f"kind=self&head=L{LAYER}H1&view=neurons&focus=1") as shown:
        shown.page.focus("#strips")
        shown.page.keyboard.press("ArrowDown")
        shown.page.keyboard.press("ArrowDown")
        shown.page.keyboard.press("ArrowDown")
        shown.settle()
        for dimension in range(3):
            read = shown.text("#readout").replace("−", "-")
            q, k = p.queries[1, 1, dimension], p.keys[1, 2, dimension]
            assert read.startswith(f"ate → an · dimension {dimension}: q {q:.3f} × k {k:.3f} = {q * k:.3f} · q·k ")
            shown.page.keyboard.press("ArrowRight")
            shown.settle()
        assert f"q·k {p.products(1, 1)[2].sum():.2f}" in read
        assert shown.address() == f"#kind=self&head=L{LAYER}H1&view=neurons&focus=1"


def test_a_pointer_on_a_strip_reads_the_dimension_below_it(browser, trace, page):
    p = trace["self"].projections[LAYER]
    with opened(browser, page, f"kind=self&head=L{LAYER}H0&view=neurons&focus=3") as shown:
        box = shown.page.locator("#strips canvas").bounding_box()
        told = set()
        for x in np.arange(0, box["width"], 4):
            shown.page.mouse.move(box["x"] + x, box["y"] + 52 + 8)  # the first key's row
            told.update(shown.text("#readout").replace("−", "-").split(" · "))
        q, k = p.queries[0, 3], p.keys[0, 0]
        for i in range(3):
            assert f"dimension {i}: q {q[i]:.3f} × k {k[i]:.3f} = {q[i] * k[i]:.3f}" in told
        shown.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 36)
        shown.settle()
        assert shown.text("#readout").startswith("apple")


def test_before_rotary_positions_the_products_are_said_not_to_add_up(browser, trace, page):
    p = trace["masked-self"].projections[LAYER]
    with opened(browser, page, f"kind=masked-self&head=L{LAYER}H0&view=neurons&focus=2") as shown:
        assert "do not add up" not in shown.text("#sum")
        shown.choose("rotary", "before")
        assert shown.address().endswith("&rotary=before&focus=2")
        assert "do not add up to the score" in shown.text("#sum")
        found = table_of(shown)
        assert list(found) == ["sum before", "= score", "weight"]
        assert_shown(found["sum before"], p.products(0, 2, rotated=False).sum(-1))
        assert_shown(found["= score"], p.scores(0, 2))


def test_the_query_is_the_first_ordinary_token_until_another_is_pointed_at_or_chosen(browser, page):
    with opened(browser, page, f"kind=masked-self&head=L{LAYER}H0&view=neurons") as shown:
        assert shown.text('#chooser [aria-selected="true"]') == "나는"
        before = shown.text("#readout")
        shown.page.hover('#chooser .token:has-text("먹었다")')
        shown.settle()
        assert shown.text("#readout").startswith("먹었다")
        shown.page.mouse.move(2, 2)
        shown.settle()
        assert shown.text("#readout") == before
        shown.page.click('#chooser .token:has-text("먹었다")')
        shown.settle()
        assert shown.address().endswith("&view=neurons&focus=3")
        assert shown.text("#readout").startswith("먹었다")


def test_weights_that_the_scores_do_not_give_are_told(browser, tmp_path):
    path = view(with_neurons()).save(tmp_path / "page.html")
    with opened(browser, path, f"kind=self&head=L{LAYER}H1&view=neurons") as shown:
        assert "differ from the softmax of these scores" in shown.text("#sum")


def test_another_layer_names_the_command_and_the_layer_that_is_there(browser, tmp_path):
    trace = replace(with_neurons(), model="some/model")
    path = view(trace).save(tmp_path / "page.html")
    with opened(browser, path, "kind=self&head=L0H1&view=neurons") as shown:
        told = shown.text("#no-neurons")
        assert told.startswith("The queries and keys of layer 0 are not on this page.")
        assert shown.text("#no-neurons code").startswith("attnviz view 'I ate an apple' -m some/model")
        assert shown.text("#no-neurons code").endswith("-o view.html --neurons 0")
        shown.page.click('#view button:has-text("Layer 1")')
        shown.settle()
        assert shown.page.locator("#strips").count() == 1
        assert shown.errors == []


def long_trace(keys: int, size: int) -> Trace:
    random = np.random.default_rng(0)
    q, k, v = random.normal(size=(3, 1, keys, size)).astype(np.float32)
    p = Projections(q, k, v, size**-0.5)
    weights = [np.array([p.weights(0, query) for query in range(keys)])]
    a = replace(attention(weights, [f"t{i}" for i in range(keys)]), projections={0: p})
    return Trace("random", " ".join(f"t{i}" for i in range(keys)), (a,))


def test_of_many_keys_and_dimensions_the_last_is_reached(browser, tmp_path):
    trace = long_trace(300, 128)
    p = trace["self"].projections[0]
    path = view(trace, exact=True).save(tmp_path / "page.html")
    with opened(browser, path, "view=neurons&focus=7") as shown:
        region = shown.page.locator("#strips")
        shown.page.locator("#share").scroll_into_view_if_needed()
        region.evaluate("one => one.scrollTo(one.scrollWidth, one.scrollHeight)")
        shown.settle()
        box = region.bounding_box()
        told = set()
        for y in np.arange(box["y"] + 60, box["y"] + box["height"], 10):
            shown.page.mouse.move(box["x"] + box["width"] / 2, y)
            told.add(shown.text("#readout").split(" · ")[0])
        assert "t7 → t299" in told
        shown.page.focus("#strips")
        for _ in range(14):
            shown.page.keyboard.press("Shift+ArrowRight")
        shown.settle()
        assert f"dimension 127: q {p.queries[0, 7, 127]:.3f}".replace("-", "−") in shown.text("#readout")
        assert_shown(table_of(shown)["q·k"], p.products(0, 7).sum(-1))


def test_queries_and_keys_that_do_not_fit_are_left_out_before_cells_are_pooled(browser, tmp_path):
    trace = long_trace(64, 64)
    whole = len(view(trace).html.encode()) / 1e6
    page = view(trace, max_mb=whole - 0.005)
    (note,) = page.notes
    assert note.startswith("the queries and keys of layer 0 are left out, to be smaller than")
    assert f"with them the page would be {whole:.1f} MB" in note
    with opened(browser, page.save(tmp_path / "page.html"), "view=neurons") as shown:
        assert "left out" in shown.text("#no-neurons")
        assert note in shown.text("#notes")


@pytest.mark.parametrize("name", ["savePng", "saveSvg"])
def test_the_strips_are_saved(browser, page, name):
    with opened(browser, page, f"kind=self&head=L{LAYER}H0&view=neurons", accept_downloads=True) as shown:
        with shown.page.expect_download() as download:
            shown.page.click(f'#share button:has-text("{name[-3:].upper()}")')
        assert download.value.suggested_filename == f"self-L{LAYER}H0-neurons.{name[-3:].lower()}"
        assert shown.errors == []


@pytest.mark.parametrize("state", ["theme=light", "theme=dark&lang=ko", "rotary=before", "head=L0H0"])
def test_everyone_can_read_it_and_on_a_phone_nothing_is_wider_than_the_screen(browser, page, state):
    from axe_playwright_python.sync_playwright import Axe

    size = {"width": 375, "height": 700}
    address = f"kind=self&view=neurons&head=L{LAYER}H0&{state}" if "head" not in state else f"view=neurons&{state}"
    with opened(browser, page, address, bypass_csp=True, viewport=size, has_touch=True) as shown:
        if "head" not in state:
            shown.table()
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= 375
        found = [
            one for one in Axe().run(shown.page).response["violations"] if one["impact"] in ("serious", "critical")
        ]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
