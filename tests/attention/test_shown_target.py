"""A translation that the model is not sure of is marked in every output, and its tokens stay what they are."""

import json
from dataclasses import replace

import pytest
from handmade_traces import decoder_only, encoder_decoder

import attnviz
from attnviz.attention import Trace
from attnviz.attention.shown_target import UNSURE, shown_target
from attnviz.render.data import as_json
from attnviz.render.picture import picture
from attnviz.render.plan import head_scenes, title_of
from attnviz.selection import Selection

WHY = "“저” has a probability of 12%"


@pytest.fixture
def sure() -> Trace:
    return encoder_decoder()


@pytest.fixture
def unsure(sure) -> Trace:
    return replace(sure, provenance={**sure.provenance, UNSURE: WHY})


def test_only_a_target_that_the_model_is_not_sure_of_is_marked(sure, unsure):
    assert shown_target(sure) == sure.target
    assert shown_target(unsure) == f"(not sure: {sure.target})"
    assert shown_target(decoder_only()) is None


def test_title_page_picture_and_json_say_it_alike(sure, unsure):
    mark = f"(not sure: {sure.target})"
    assert title_of(unsure) == f"{sure.text} → {mark}"
    assert title_of(sure) == f"{sure.text} → {sure.target}"
    assert json.loads(as_json(unsure))["target"] == mark
    assert f"target: {mark}" in picture(unsure, head_scenes(unsure), ".svg").decode()
    page = attnviz.view(unsure).html
    assert f"{sure.text} → {mark}" in page
    assert attnviz.compare(unsure, sure).to_dict()["a"]["target"] == mark
    assert attnviz.compare(unsure, sure).to_dict()["b"]["target"] == sure.target


def test_the_target_itself_and_a_saved_and_a_selected_trace_keep_their_tokens(sure, unsure, tmp_path):
    assert unsure.target == sure.target
    saved = attnviz.open(unsure.save(tmp_path / "t.safetensors"))
    assert saved.target == sure.target
    assert shown_target(saved) == shown_target(unsure)
    selected = Selection.of(kinds="cross").apply(unsure)
    assert shown_target(selected) == shown_target(unsure)
