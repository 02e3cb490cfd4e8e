"""What is taken out of a matrix, and tokens merged to words: as Python does both."""

import re

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder
from page_browser import assert_close, opened

from attnviz.attention import Attention, Token, Trace
from attnviz.render.exclusion import exclude
from attnviz.render.page import view
from attnviz.render.scene import Scene
from attnviz.words import by_words


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
            assert_close(numbers, scene.matrices[0], scene.reachable, 0.0002)
            if scene.removed_mass is not None:
                told = float(re.search(r"on average: ([\d.]+)", shown.text("#scale"))[1])
                assert told == pytest.approx(scene.removed_mass.mean(), abs=0.0001)


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
