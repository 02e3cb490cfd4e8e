"""What an answer looked at as a picture: its artists, its bars, and what it says in every format."""

import io
import re

import numpy as np
import pytest
from handmade_traces import HOSTILE, encoder_decoder, with_answer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from attnviz.analysis.answer_sources import answer_sources
from attnviz.attention import Trace
from attnviz.render.picture import source_text
from attnviz.render.picture.source_text import BAR, MOST, source_picture

WORDS = ["One", "two", "three.", "\n\nFour", "five", "six.", "\n\nWhy", "is", "it", "so?", "Yes", "no"]


def trace(words: list[str] = WORDS) -> Trace:
    n = len(words)
    weights = np.eye(n, dtype=np.float32)[None]
    weights[0, n - 3], weights[0, n - 2] = 0, 0
    weights[0, n - 3, [0, 1, 4]] = 0.5, 0.1, 0.4
    weights[0, n - 2, [0, 4, 9]] = 0.2, 0.7, 0.1
    return with_answer(words, weights, 2)


def drawn(one: Trace, monkeypatch: pytest.MonkeyPatch, **options: str) -> Figure:
    """The figure of what `one`'s answer looked at."""
    kept: list[Figure] = []
    monkeypatch.setattr(source_text, "figure_bytes", lambda figure, *_: kept.append(figure) or b"")
    source_picture(one, answer_sources(one, **options))
    return kept[0]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def boxes(figure: Figure) -> list[Rectangle]:
    every = [(axes, artist) for axes in figure.axes for artist in axes.get_children()]
    return [artist for axes, artist in every if isinstance(artist, Rectangle) and artist is not axes.patch]


def behind(figure: Figure, text: Text) -> list[Rectangle]:
    x, y = text.get_position()
    large = [one for one in boxes(figure) if one.get_width() > 0.1]  # those of the colour key are small
    return [one for one in large if 0 <= x - one.get_x() <= one.get_width() and 0 <= y - one.get_y() <= 0.2]


def test_the_prompt_stands_in_its_own_lines_and_the_answer_under_it(monkeypatch) -> None:
    figure = drawn(trace(), monkeypatch)
    place = {text.get_text(): text.get_position()[1] for axes in figure.axes for text in axes.texts}
    assert place["One"] == place["two"] > place["Four"] == place["five"] > place["Why"] > place["Yes"] == place["no"]
    assert place["1 One two three."] > place["2 Four five six."]
    said = " ".join(texts(figure))
    assert "Attention is not attribution" in said
    assert "mean over 1 head" not in said


def test_a_bar_is_as_long_as_the_share_and_marks_uniform_attention(monkeypatch) -> None:
    one = trace()
    shares = answer_sources(one).shares
    figure = drawn(one, monkeypatch)
    longest = max(max(share.share, share.uniform) for share in shares)
    lengths = [box.get_width() for box in boxes(figure)]
    for share in shares:
        assert any(length == pytest.approx(BAR * share.share / longest) for length in lengths)
    assert sum(length == pytest.approx(0.016) for length in lengths) == len(shares)
    assert f"{100 * shares[1].share:.0f}%" in texts(figure)


def test_tokens_are_shaded_by_their_share(monkeypatch) -> None:
    figure = drawn(trace(), monkeypatch)
    (five,) = [text for axes in figure.axes for text in axes.texts if text.get_text() == "five"]
    (two,) = [text for axes in figure.axes for text in axes.texts if text.get_text() == "two"]
    (dark,), (pale,) = behind(figure, five), behind(figure, two)
    assert sum(dark.get_facecolor()[:3]) < sum(pale.get_facecolor()[:3])


def test_a_long_prompt_shows_what_was_read_most_and_says_what_is_left_out(monkeypatch) -> None:
    words = [f"{chr(10) * 2 if n % 400 == 0 and n else ''}w{n}" for n in range(2400)] + [
        "\n\nWhy",
        *"abcd",
        "Yes",
        "no",
    ]
    figure = drawn(trace(words), monkeypatch)
    inside = [text.get_text().strip("… ") for axes in figure.axes for text in axes.texts]
    shown = [text for text in inside if re.fullmatch(r"w\d+", text)]
    assert len(shown) <= MOST
    assert "w4" in shown
    assert any(text.startswith("not shown: ") for text in texts(figure))
    assert max(figure.get_size_inches()) < 40


def test_one_segment_is_drawn_alone(monkeypatch) -> None:
    said = texts(drawn(trace(), monkeypatch, segment="2"))
    assert "five" in said
    assert "two" not in said
    assert any("only sources in 2 Four five six." in text for text in said)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_every_format_is_written_twice_the_same(suffix) -> None:
    one = encoder_decoder()
    first = source_picture(one, answer_sources(one), suffix)
    assert first == source_picture(one, answer_sources(one), suffix)
    if suffix == ".png":
        assert Image.open(io.BytesIO(first)).width > 300


def test_hostile_text_is_drawn_as_it_is(monkeypatch) -> None:
    words = ["a", *(label.replace(" ", "_") for label in HOSTILE), "b", "c", "d", "e", "f", "g", "h", "Yes", "no"]
    figure = drawn(trace(words), monkeypatch)
    assert not any("\x1b" in text or "\n" in text for text in texts(figure))
