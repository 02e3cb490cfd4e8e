"""The text, shaded by what the tokens in focus look at, and the steps of an answer."""

from dataclasses import replace

import numpy as np
from handmade_traces import decoder_only, encoder_decoder, tokens
from page_browser import STEP, opened

from attnviz.attention import Token, Trace
from attnviz.render.page import view


def generated_trace() -> Trace:
    """`a b` goes on with `c d`."""
    read = (*tokens(["a", "b"]), *(Token(9, text, generated=True, segment=1) for text in "cd"))
    one = decoder_only(["a", "b", "c", "d"]).attentions[0]
    return Trace("by hand", "a b c d", (replace(one, queries=read, keys=read, predicts=(*read[1:], None)),))


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


def test_of_cross_attention_the_focus_is_not_taken_from_one_text_to_the_other(browser, file):
    with opened(browser, file, "kind=cross&head=L1H1&view=text&focus=3") as shown:
        shown.choose("direction", "to")
        assert "focus" not in shown.address()


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
