"""The other views, and what is taken out, merged, sorted, searched, copied and saved: against Python's own numbers."""

import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
from command_line import run
from handmade_traces import attention, decoder_only, encoder_decoder, tokens
from page_browser import opened
from PIL import Image

import attnviz
from attnviz.attention import Attention, Token, Trace
from attnviz.pooling import reduce_attention
from attnviz.render.exclusion import exclude
from attnviz.render.page import view
from attnviz.render.scene import Scene
from attnviz.words import by_words

STEP = 0.004 + 0.0005


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("views")


@pytest.fixture(scope="module")
def file(folder):
    saved = encoder_decoder().save(folder / "a.safetensors")
    return view(encoder_decoder(), source=str(saved)).save(folder / "page.html")


def special_trace() -> Trace:
    """Two heads of seven tokens, the first and the last of them special, one of which takes all of a row."""
    weights = np.random.default_rng(0).dirichlet(np.full(7, 0.4), (2, 7)).astype(np.float32)
    weights[0, 2] = [1, 0, 0, 0, 0, 0, 0]
    one = attention(list(weights), ["<s>", "a", "b", "c", "d", "e", "</s>"], special=["<s>", "</s>"])
    return Trace("by hand", "a b c d e", (one,))


def word_trace() -> Trace:
    """A decoder that reads `unhappy cats sleep` as `un happy cat s sleep`."""
    spans, words = [(0, 2), (2, 7), (8, 11), (11, 12), (13, 18)], [0, 0, 1, 1, 2]
    read = tuple(
        Token(i, "unhappy cats sleep"[a:b], (a, b), w) for i, ((a, b), w) in enumerate(zip(spans, words, strict=True))
    )
    weights = np.tril(np.random.default_rng(1).random((2, 5, 5)).astype(np.float32))
    weights /= weights.sum(-1, keepdims=True)
    one = Attention("masked-self", "decoder", read, read, {0: weights}, {0: (0, 1)}, predicts=(*read[1:], None))
    return Trace("by hand", "unhappy cats sleep", (one,))


def generated_trace() -> Trace:
    """`a b` goes on with `c d`."""
    read = (*tokens(["a", "b"]), *(Token(9, text, generated=True, segment=1) for text in "cd"))
    one = decoder_only(["a", "b", "c", "d"]).attentions[0]
    return Trace("by hand", "a b c d", (replace(one, queries=read, keys=read, predicts=(*read[1:], None)),))


@pytest.mark.parametrize(
    ("sink", "special"),
    [
        ("mask", "show"),
        ("renorm", "show"),
        ("show", "hide"),
        ("show", "renorm"),
        ("mask", "hide"),
        ("renorm", "renorm"),
    ],
)
@pytest.mark.parametrize("trace", [special_trace(), encoder_decoder()])
def test_what_is_taken_out_is_what_plot_takes_out(browser, folder, trace, sink, special):
    path = view(trace, exact=True).save(folder / "special.html")
    with opened(browser, path) as shown:
        for a in trace.attentions:
            layer = a.layers[-1]
            scene = exclude(Scene(a, ((layer, 0),)), sink, special)
            shown.go(f"kind={a.kind}&head=L{layer}H0&sink={sink}&special={special}")
            rows, columns, numbers = shown.table()
            assert (rows, columns) == (list(scene.rows), list(scene.columns))
            found = np.array([[np.nan if cell is None else cell for cell in row] for row in numbers])
            assert np.isnan(found).tolist() == (~scene.reachable).tolist()
            assert np.abs(found - scene.matrices[0])[scene.reachable].max() < 0.0002
            if scene.removed_mass is not None:
                told = float(re.search(r"on average: ([\d.]+)", shown.text("#scale"))[1])
                assert told == pytest.approx(scene.removed_mass.mean(), abs=0.0001)


def test_the_rows_of_a_maximum_sum_to_more_than_one_and_say_so(browser, file):
    a = encoder_decoder()["self"]
    largest = np.maximum(a.matrix(0, 0), a.matrix(1, 1))
    with opened(browser, file, "kind=self&head=L0H0&set=L0H0,L1H1&combine=max&cursor=1,3") as shown:
        told = float(re.search(r"the row gives ([\d.]+)", shown.text("#readout"))[1])
        assert told == pytest.approx(largest[1].sum(), abs=4 * STEP)
        assert told > 1.2


def test_of_cross_attention_the_focus_is_not_taken_from_one_text_to_the_other(browser, file):
    with opened(browser, file, "kind=cross&head=L1H1&view=text&focus=3") as shown:
        shown.choose("direction", "to")
        assert "focus" not in shown.address()


def test_words_are_merged_as_by_python_and_named_so(browser, folder):
    path = view(word_trace(), exact=True).save(folder / "words.html")
    merged = by_words(word_trace())["masked-self"]
    with opened(browser, path, "head=L0H1") as shown:
        shown.choose("words", "1")
        rows, columns, numbers = shown.table()
        assert columns == ["unhappy", "cats", "sleep"]
        assert rows == list(Scene(merged, ()).rows)
        found = np.array([[cell or 0 for cell in row] for row in numbers])
        assert np.abs(found - merged.matrix(0, 1)).max() < 0.0002
        shown.page.keyboard.press("w")
        shown.settle()
        assert len(shown.table()[0]) == 5


def test_heads_are_sorted_by_a_measure_as_the_table_of_heads_is(browser, folder):
    trace = attnviz.trace("She wore a red hat.")
    path = view(trace).save(folder / "sorted.html")
    from attnviz.analysis.head_table import head_rows

    expected = [row.name for row in head_rows(trace, "self", sort="entropy")]
    with opened(browser, path, "kind=self&sort=entropy") as shown:
        assert heads_in_order(shown, len(expected)) == expected


def test_likeness_is_the_divergence_of_the_rows(browser, file):
    a = encoder_decoder()["self"]
    one, others = a.matrix(1, 1), {f"L{layer}H{head}": a.matrix(layer, head) for layer in (0, 1) for head in (0, 1)}
    differences = {name: divergence(one, other) for name, other in others.items()}
    with opened(browser, file, "kind=self&head=L1H1&sort=likeness") as shown:
        expected = sorted(differences, key=lambda name: differences[name])
        assert heads_in_order(shown, 4) == expected
        told = shown.text("#overview-readout")
        assert float(re.search(r"nats\): ([\d.]+)", told)[1]) == pytest.approx(differences[expected[-1]], abs=0.003)


def divergence(one: np.ndarray, other: np.ndarray) -> float:
    """The mean over rows of Jensen–Shannon's divergence, smoothed, as definitions of the distance of heads say."""
    p, q = (0.999 * rows.astype(np.float64) + 0.001 / rows.shape[1] for rows in (one, other))
    m = (p + q) / 2
    return float((0.5 * (p * np.log(p / m) + q * np.log(q / m))).sum(-1).mean())


def heads_in_order(shown, count: int) -> list[str]:
    """The names of the heads in the overview, as a pointer finds them from left to right and down."""
    box, names = shown.page.locator("#overview-canvas").bounding_box(), []
    for y in np.arange(box["y"] + 12, box["y"] + box["height"] - 6, 20):
        for x in np.arange(box["x"] + 12, box["x"] + box["width"], 20):
            shown.page.mouse.move(x, y)
            shown.settle()
            name = shown.text("#overview-readout").split(" · ")[0]
            if name and name not in names:
                names.append(name)
    assert len(names) == count
    return names


@pytest.mark.parametrize("view_name", ["lines", "arcs"])
def test_a_pointer_on_a_token_reads_what_it_looks_at(browser, file, view_name):
    weights = encoder_decoder()["self"].matrix(1, 1)[1]
    with opened(browser, file, f"kind=self&head=L1H1&view={view_name}&focus=1") as shown:
        before = shown.text("#readout")
        assert before.startswith("ate looks at: apple 0.96")
        for name, number in re.findall(r"(\w+) ([\d.]+)", before.split(": ", 1)[1]):
            assert float(number) == pytest.approx(weights[["I", "ate", "an", "apple"].index(name)], abs=STEP)
        box = shown.page.locator("#links").bounding_box()
        spot = (10, 26 + 24 * 3.5) if view_name == "lines" else (box["width"] - 20, box["height"] / 2)
        told = set()
        for y in np.arange(0, box["height"], 6) if view_name == "arcs" else [spot[1]]:
            shown.page.mouse.move(box["x"] + spot[0], box["y"] + y)
            shown.settle()
            told.add(shown.text("#readout").split(":")[0])
        assert "apple looks at" in told


def test_the_slider_keeps_the_strongest_links_that_make_up_so_much(browser, file):
    """Ink is what can be read back: with less of the weight, fewer pixels of the picture are drawn on."""
    inked = """canvas => { const context = canvas.getContext('2d');
        const all = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0; for (let i = 3; i < all.length; i += 4) count += all[i] > 0; return count; }"""
    with opened(browser, file, "kind=self&head=L1H1&view=lines") as shown:
        counts = []
        for mass in (100, 60, 20, 1):
            shown.page.locator("#mass").fill(str(mass))
            shown.settle()
            assert f"make up {mass} %" in shown.text("#mass-text")
            counts.append(shown.page.locator("#links").evaluate(inked))
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[-1]


def test_each_step_shows_what_a_written_token_was_written_from(browser, folder):
    path = view(generated_trace()).save(folder / "steps.html")
    a = generated_trace()["masked-self"]
    with opened(browser, path, "view=step") as shown:
        assert "step 1 of 2: b ⇒ c" in shown.text("#view h3")
        assert np.abs(np.array(shown.shades()[:2]) - a.matrix(0, 0)[1, :2]).max() <= STEP
        assert shown.shades()[2:] == [None, None]
        shown.page.focus("#step")
        shown.page.keyboard.press("ArrowRight")
        shown.settle()
        assert "step 2 of 2: c ⇒ d" in shown.text("#view h3")
        assert np.abs(np.array(shown.shades()[:3]) - 1 / 3).max() <= STEP
        assert shown.page.evaluate("document.activeElement.id") == "step"


def test_cross_attention_has_no_arcs_and_a_text_without_answer_no_steps(browser, file):
    names = "all => all.map(one => one.dataset.view)"
    with opened(browser, file, "kind=cross&view=arcs") as shown:
        assert shown.page.locator("[data-view]").evaluate_all(names) == ["matrix", "lines", "text", "step"]
        assert shown.page.locator("#matrix").count() == 1
        shown.go("kind=self")
        assert shown.page.locator("[data-view]").evaluate_all(names) == ["matrix", "lines", "arcs", "text"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [("ate", "ate looks at: apple 0.96"), ("ate → apple", "ate → apple: 0.96"), ("APP", "apple looks at: ate 0.799")],
)
def test_a_word_or_a_pair_is_found(browser, file, asked, says):
    with opened(browser, file, "kind=self&head=L1H1") as shown:
        shown.page.keyboard.press("/")
        shown.page.keyboard.type(asked)
        shown.page.keyboard.press("Enter")
        shown.settle()
        assert says in shown.text("#readout")


def test_a_word_that_is_not_there_is_said_to_be_missing(browser, file):
    with opened(browser, file) as shown:
        shown.page.fill("#search", "<b>pear</b>")
        shown.page.press("#search", "Enter")
        shown.settle()
        assert shown.text("#readout") == "nothing is called <b>pear</b>"


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


def test_a_choice_by_keyboard_leaves_the_keyboard_where_it_was(browser, file):
    with opened(browser, file, "kind=self") as shown:
        shown.page.focus('[data-key="scale"]')
        shown.page.keyboard.press("ArrowDown")
        shown.settle()
        assert shown.page.evaluate("document.activeElement.dataset.key") == "scale"
        assert "(log)" in shown.text("#scale")


def test_the_keys_are_listed_and_the_kinds_have_numbers(browser, file):
    with opened(browser, file) as shown:
        shown.page.keyboard.press("?")
        assert "1–9" in shown.text("#keys")
        shown.page.keyboard.press("Escape")
        shown.page.wait_for_selector("#keys", state="hidden")
        shown.page.keyboard.press("3")
        shown.settle()
        assert shown.address().startswith("#kind=cross")


def test_a_key_that_comes_before_the_next_picture_is_not_lost(browser, file):
    """Keys are sent within one task, so that the browser draws nothing between them."""
    press = """keys => keys.forEach(key =>
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })))"""
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        shown.page.evaluate(press, ["?"])
        shown.page.evaluate(f"() => {{ document.getElementById('keys').close(); ({press})(['3']); }}")
        shown.settle()
        assert shown.address().startswith("#kind=cross")
        shown.page.evaluate(press, ["Escape", "ArrowDown"])
        shown.settle()
        assert shown.address() == "#kind=self&head=L1H0"
        shown.page.evaluate(press, ["Escape", "Escape", "l"])
        shown.settle()
        assert shown.address() == "#kind=self&head=L1H1&view=lines"


def test_back_and_forward_of_the_browser_show_each_state_again(browser, file):
    with opened(browser, file, "kind=self&head=L0H0") as shown:
        for key in ("l", "ArrowDown", "Escape"):
            shown.page.keyboard.press(key)
        assert shown.address() == "#kind=self&head=L0H0&view=lines"
        shown.page.evaluate("history.go(-1)")
        shown.page.wait_for_selector('#head-name:text-is("L1H0")')
        shown.page.evaluate("history.go(-2)")
        shown.page.wait_for_selector("#matrix")
        assert shown.address() == "#kind=self&head=L0H0"
        shown.page.evaluate("history.go(2)")
        shown.page.wait_for_selector('#head-name:text-is("L1H0")')
        shown.page.keyboard.press("Escape")
        assert shown.address() == "#kind=self&head=L0H0&view=lines"


def test_the_wheel_zooms_into_the_matrix_and_the_whole_comes_back(browser, folder):
    n = 40
    weights = np.random.default_rng(0).dirichlet(np.ones(n), (1, n))
    trace = Trace("m", "x", (attention(list(weights), [f"t{i}" for i in range(n)]),))
    with opened(browser, view(trace).save(folder / "large.html")) as shown:
        box = shown.page.locator("#matrix").bounding_box()
        shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in range(6):
            shown.page.mouse.wheel(0, -100)
            shown.settle()
        assert shown.page.locator('#options button:has-text("Whole matrix")').count() == 1
        shown.page.wait_for_url("**zoom=**")  # it is written when the wheel rests
        shown.page.click('#options button:has-text("Whole matrix")')
        shown.settle()
        assert "zoom=" not in shown.address()


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


def test_of_cells_of_several_tokens_no_sum_of_largest_weights_is_given_out_as_a_sum(browser, folder):
    n = 64
    weights = np.random.default_rng(0).dirichlet(np.ones(n), (1, n)).astype(np.float32)
    whole = attention(list(weights), [f"t{i}" for i in range(n)])
    ranges = [(0, 1), *((start, min(start + 3, n)) for start in range(1, n, 3))]
    pooled = reduce_attention(whole, ranges, ranges)
    path = view(Trace("m", "x", (pooled,))).save(folder / "pooled.html")
    with opened(browser, path, "cursor=4,7&sink=mask") as shown:
        read = shown.text("#readout")
        assert read.startswith("4–6 → 7–9: ")
        assert float(re.search(r": ([\d.]+)", read)[1]) == pytest.approx(weights[0, 4:7, 7:10].max(), abs=STEP)
        assert "the row gives 1.00 in all" in read
        assert "largest weight taken out of the row" in read
        assert "the column gets" not in read
        assert "largest weight taken out of a row, on average" in shown.text("#scale")
