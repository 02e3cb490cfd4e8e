"""What is drawn of a trace, and under which title."""

from dataclasses import replace

from traces import decoder_only, encoder_decoder

from attnviz.render.look import Look
from attnviz.render.plan import head_scenes, plot_scene, title_of
from attnviz.selection import Selection


def test_the_title_is_one_line_of_what_was_read_and_written() -> None:
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
    assert head_scenes(encoder_decoder(), Look(title=""))[0].title == "\nself-attention"


def test_the_scene_holds_the_rows_and_columns_that_were_asked_for() -> None:
    asked = Selection.of(0, 0, "self", rows=(1, 2), columns=(0,))
    scene, reason = plot_scene(asked.narrow(encoder_decoder()), asked)
    assert reason is None
    assert (scene.rows, scene.columns) == (("ate", "an"), ("I",))
