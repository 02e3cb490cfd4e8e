"""What is drawn of a trace, and under which title."""

from dataclasses import replace

import numpy as np
from handmade_traces import attention, decoder_only, encoder_decoder

from attnviz.attention import Trace
from attnviz.render.options import PlotOptions
from attnviz.render.picture.caption import foot
from attnviz.render.plan import head_scenes, plot_scene, title_of
from attnviz.selection import Selection


def test_the_title_is_one_line_with_the_text_and_its_translation() -> None:
    assert title_of(encoder_decoder()) == "I ate an apple → 나는 사과를 먹었다"
    assert title_of(replace(decoder_only(), text="a\nb\x1b")) == "a⏎b␛"
    pair = replace(decoder_only(), text="Who?\nI.", provenance={"text pair": "I."})
    assert title_of(pair) == "Who? · I."
    chat = replace(decoder_only(), text="<user>Hi<bot>", provenance={"chat": "Hi", "generated": "Hello"})
    assert title_of(chat) == "Hi → Hello"


def test_every_kind_is_named_in_the_same_place() -> None:
    scenes = head_scenes(encoder_decoder())
    assert [scene.title for scene in scenes] == [
        "I ate an apple → 나는 사과를 먹었다\nself-attention",
        "\nmasked self-attention",
        "\ncross-attention",
    ]
    assert head_scenes(encoder_decoder(), PlotOptions(title=""))[0].title == "\nself-attention"


def test_the_scene_has_the_selected_rows_and_columns() -> None:
    asked = Selection.of(0, 0, "self", rows=(1, 2), columns=(0,))
    scene, reason = plot_scene(asked.apply(encoder_decoder()), asked)
    assert reason is None
    assert (scene.rows, scene.columns) == (("ate", "an"), ("I",))


def test_the_title_of_a_long_text_is_its_first_and_last_words() -> None:
    long = "The first words\nof " + "a prompt that goes on " * 20 + "to its last words."
    title = title_of(replace(decoder_only(), text=long))
    assert title == "The first words of a prompt that … that goes on to its last words."
    both = title_of(replace(encoder_decoder(), text=long))
    assert both == f"{title} → 나는 사과를 먹었다"
    unbroken = title_of(replace(decoder_only(), text="x" * 300))
    assert 60 < len(unbroken) < 80
    assert title_of(replace(decoder_only(), text="y" * 200)) == "y" * 200


def test_the_caption_says_what_the_scale_leaves_out() -> None:
    n = 80
    sink = np.tril(np.full((n, n), 0.1 / n))
    sink[:, 0] = 0.9
    trace = Trace("m", "t", (attention([sink], ["w"] * n, "masked-self"),))
    everything = Selection.of(0, 0)
    assert plot_scene(trace, everything)[0].caption.endswith("leaves out the first key, whose largest weight is 0.90")
    assert "the scale" not in plot_scene(trace, everything, PlotOptions(vmax=0.5))[0].caption


def test_the_scale_of_a_text_is_that_of_the_rows_it_shows() -> None:
    weights = [[1.0, 0.0, 0.0], [0.7, 0.3, 0.0], [0.8, 0.12, 0.08]]
    trace = Trace("m", "t", (attention([weights], ["one", "two", "three"], "masked-self"),))
    one = Selection.of(0, 0)
    assert plot_scene(trace, one)[0].top == 1.0
    for query, rows, top in (("two", (1,), 0.7), (None, (2,), 0.8)):
        shown, _ = plot_scene(trace, one, PlotOptions(style="text", query=query))
        assert (shown.queries, shown.top) == (rows, top)
    assert replace(shown, queries=(1, 2)).top == 0.75  # their mean is shown


def test_a_picture_shows_the_notes_of_a_trace_once_below_its_caption() -> None:
    """A reader of the file never sees stderr."""
    trace = replace(encoder_decoder(), notes=("cut at 4 tokens", "outside its vocabulary: \x1btall"))
    [alone, _] = plot_scene(trace, Selection())
    assert foot(alone, PlotOptions()).split("\n")[-2:] == [
        "note: cut at 4 tokens",
        "note: outside its vocabulary: ␛tall",
    ]
    assert "note" not in alone.caption  # which the terminal draws, where stderr has them
    *others, last = head_scenes(trace)
    assert len(others) == 2
    assert not any(scene.notes for scene in others)
    assert last.notes == alone.notes
