"""Models of pictures and text on only a text: a selection of types, loaded from a folder as users do."""

import architectures
import eager_reference
import pytest
import sweep
import tiny_models
import transformers
from transformers.models.auto import modeling_auto as auto

import attnviz
from attnviz.errors import ModelError

SPREAD = (
    "aya_vision chameleon diffusion_gemma gemma3 internvl kosmos-2.5 lighton_ocr llava mllama paligemma pp_chart2table"
    " qwen2_5_vl qwen3_omni_moe_thinker shieldgemma2 smolvlm"
)


@pytest.mark.parametrize("model_type", SPREAD.split())
def test_weights_are_those_of_the_whole_models_own_attention(model_type):
    row = sweep.examine_with_pictures(model_type)
    assert row.outcome == "exact", row


@pytest.mark.parametrize("model_type", ["blip", "idefics", "kosmos-2", "pix2struct", "vision-encoder-decoder"])
def test_a_model_that_needs_a_picture_is_refused_with_that_reason(model_type):
    row = sweep.examine_with_pictures(model_type)
    assert row.outcome == "needs a picture", row


@pytest.mark.parametrize("model_type", ["blip", "qwen3_omni_moe_thinker"])
def test_a_model_that_cannot_generate_from_only_a_text_is_refused_with_that_reason(model_type):
    kind = getattr(transformers, auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES[model_type])
    model = kind(architectures.tiny_config(model_type)).eval()
    with pytest.raises(ModelError, match="does not write from only a text"):
        attnviz.trace("I ate", model, tokenizer=tiny_models.tokenizer(), generate=2)


def test_if_the_whole_model_fails_the_path_says_that_the_text_model_inside_was_used():
    row = sweep.examine_with_pictures("qwen2_5_omni_thinker")
    assert (row.outcome, row.path) == ("exact", "attention interface, of the text model inside")


def test_the_tables_name_existing_types():
    assert {*architectures.NEEDS_PICTURE, *architectures.NOT_HERE} <= set(architectures.picture_types())
    assert set(eager_reference.GIVES_ATTENTIONS) | set(architectures.WHOLE) <= set(architectures.picture_types())


def test_a_type_listed_as_needing_a_picture_that_runs_without_one_is_a_failed_row(monkeypatch):
    monkeypatch.setitem(architectures.NEEDS_PICTURE, "llava", "pixels")
    assert sweep.examine_with_pictures("llava").outcome == "FAILED"
