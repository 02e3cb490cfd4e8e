"""A model's generation configuration: its settings for tokens are used, those for the search are not."""

import copy

import pytest
import tiny_models
import torch
import transformers
from transformers import EncoderDecoderConfig, EncoderDecoderModel

import attnviz
from attnviz.errors import InputError, ModelError
from attnviz.models.huggingface.context_length import context_length, extrapolates

TEXT = "She ate an apple."


def model(kind: str, settings: dict):
    """A tiny writer whose generation configuration has those settings, set after all checks."""
    made = tiny_models.build(kind) if kind in tiny_models.PAIRS else tiny_models.writer(kind)
    for name, value in settings.items():
        setattr(made.generation_config, name, value)
    return made


def trace(made, **asked) -> attnviz.Trace:
    if not made.config.is_encoder_decoder:
        asked["generate"] = 6
    return attnviz.trace(TEXT, made, tokenizer=tiny_models.tokenizer(), **asked)


def ids(trace: attnviz.Trace) -> list[int]:
    a = trace["masked-self"]
    return [a.queries[0].id, *(token.id for token in a.predicts if token)]


EXOTIC = [
    {"num_beams": 4},
    {"num_return_sequences": 3},
    {"num_beams": 4, "num_return_sequences": 3},
    {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 0.5},
    {"penalty_alpha": 0.6, "top_k": 4},
    {"do_sample": True, "temperature": 0.0},
    {"constraints": [1]},
    {"force_words_ids": [[5]]},
    {"dola_layers": "high"},
    {"prompt_lookup_num_tokens": 3},
    {"cache_implementation": "nonsense"},
    {"return_dict_in_generate": True, "output_scores": True},
    {"stop_strings": ["e"]},
    {"max_time": 0.0},
    {"num_beams": "x"},
]


@pytest.mark.parametrize("settings", EXOTIC, ids=str)
@pytest.mark.parametrize("kind", ["bart", "llama"])
def test_the_likeliest_tokens_are_written_however_it_would_search(kind, settings):
    made = model(kind, settings)
    before = made.generation_config.to_dict()
    written = trace(made)
    assert ids(written) == ids(trace(model(kind, {})))
    assert made.generation_config.to_dict() == before
    sampled, searched = settings.get("do_sample"), settings.get("num_beams") == 4
    assert any("written greedily" in note for note in written.notes) == bool(sampled or searched)


HEEDED = [
    {"min_length": 12},
    {"min_new_tokens": 5},
    {"forced_bos_token_id": 7},
    {"suppress_tokens": [*range(3, 200)]},
    {"begin_suppress_tokens": [*range(3, 200)]},
    {"bad_words_ids": [[id_] for id_ in range(3, 200)]},
    {"no_repeat_ngram_size": 1},
    {"repetition_penalty": 5.0},
    {"eos_token_id": [*range(2, 160)]},
]


@pytest.mark.parametrize("settings", HEEDED, ids=lambda settings: next(iter(settings)))
@pytest.mark.parametrize("kind", ["bart", "llama"])
def test_settings_for_tokens_are_used(kind, settings):
    made = model(kind, settings)
    read = tiny_models.tokenizer()(TEXT, return_tensors="pt")
    most = {"max_length": 64} if kind == "bart" else {"max_new_tokens": 6}
    expected = made.generate(**read, **most, do_sample=False)[0].tolist()
    assert ids(trace(made)) == expected


@pytest.mark.parametrize(("settings", "length"), [({"max_length": 5}, 5), ({"max_new_tokens": 3}, 4)])
def test_a_target_is_as_long_as_it_says(settings, length):
    made = model("t5", settings | {"eos_token_id": None})
    expected = made.generate(**tiny_models.tokenizer()(TEXT, return_tensors="pt"), do_sample=False)[0].tolist()
    written = trace(made)
    assert ids(written) == expected
    assert len(expected) == length
    assert f"cut at {length} tokens" in written.notes[0]


def test_the_requested_number_of_tokens_wins_over_a_length_below_that_of_the_prompt():
    assert ids(trace(model("llama", {"max_length": 2}))) == ids(trace(model("llama", {})))


@pytest.mark.parametrize("setting", ["max_length", "max_new_tokens"])
@pytest.mark.parametrize("value", [0, -1, "x", 2.5])
def test_a_length_that_leaves_no_target_says_so(setting, value):
    with pytest.raises(ModelError, match=f"{setting} {value!r}: no target can be written"):
        trace(model("bart", {setting: value}))
    assert trace(model("bart", {setting: value}), target="나는").attentions


GARBAGE = [
    {"min_length": "x"},
    {"forced_bos_token_id": 10**6},
    {"forced_eos_token_id": 10**6},
    {"suppress_tokens": "x"},
    {"begin_suppress_tokens": 5},
    {"bad_words_ids": [5]},
    {"bad_words_ids": [[10**6]]},
    {"no_repeat_ngram_size": "x"},
    {"repetition_penalty": -1},
    {"eos_token_id": "x"},
    {"pad_token_id": "x"},
    {"sequence_bias": "x"},
]


@pytest.mark.parametrize("settings", GARBAGE, ids=str)
def test_one_that_cannot_be_followed_says_so(settings):
    with pytest.raises(ModelError, match=r"generation configuration of \S+ cannot be used"):
        trace(model("bart", settings))


def test_a_fault_of_the_model_itself_is_not_laid_on_its_configuration(monkeypatch):
    made = model("llama", {"repetition_penalty": 1.5})
    monkeypatch.setattr(type(made.lm_head), "forward", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trace(made)


def of_two_models(decoder: str) -> EncoderDecoderModel:
    """An encoder with 64 positions and a decoder with 24."""
    gpt2 = {**tiny_models._GPT2, "n_positions": 24, "eos_token_id": 2}
    bert = {**tiny_models._ENCODER, "max_position_embeddings": 24, "is_decoder": True}
    reads = transformers.BertConfig(**tiny_models._ENCODER)
    writes = {
        "bert": lambda: transformers.BertConfig(**bert, add_cross_attention=True),
        "gpt2": lambda: transformers.GPT2Config(**gpt2, add_cross_attention=True),
    }[decoder]()
    config = EncoderDecoderConfig.from_encoder_decoder_configs(reads, writes)
    config.decoder_start_token_id, config.pad_token_id = 1, 0
    torch.manual_seed(0)
    return EncoderDecoderModel(config=config).eval()


@pytest.mark.parametrize("decoder", ["bert", "gpt2"])
def test_an_encoder_decoder_of_two_models_writes_as_far_as_its_decoder_has_positions(decoder):
    made = of_two_models(decoder)
    made.generation_config.eos_token_id = None
    assert (context_length(made), context_length(made, "decoder")) == (64, 24)
    written = trace(made)
    assert len(ids(written)) == 24
    assert "cut at 24 tokens" in written.notes[0]
    made.encoder.set_attn_implementation("eager")
    made.decoder.set_attn_implementation("eager")
    read = torch.tensor([[token.id for token in written["cross"].queries]])
    source = tiny_models.tokenizer()(TEXT, return_tensors="pt")
    with torch.no_grad():
        whole = made(**source, decoder_input_ids=read, output_attentions=True)
    for kind, expected in (
        ("self", whole.encoder_attentions),
        ("masked-self", whole.decoder_attentions),
        ("cross", whole.cross_attentions),
    ):
        for layer, weights in enumerate(expected):
            torch.testing.assert_close(torch.tensor(written[kind].weights(layer)), weights[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("decoder", ["bert", "gpt2"])
def test_encoder_and_decoder_have_different_longest_lengths(decoder):
    made = of_two_models(decoder)
    with pytest.raises(InputError, match=r"the target is \d+ tokens long, and \S+ reads at most 24") as error:
        trace(made, target="I ate an apple. " * 8)
    assert error.value.hint == "Give it a shorter target."
    with pytest.raises(InputError, match=r"the text is \d+ tokens long, and \S+ reads at most 64") as error:
        attnviz.trace("I ate an apple. " * 40, made, tokenizer=tiny_models.tokenizer(), target="나는")
    assert error.value.hint == "Give it a shorter text."


def test_the_sides_of_led_too():
    size = {"max_encoder_position_embeddings": 64, "max_decoder_position_embeddings": 16, "vocab_size": 320}
    with torch.device("meta"):
        made = transformers.LEDForConditionalGeneration(transformers.LEDConfig(**size))
    assert (context_length(made), context_length(made, "decoder")) == (64, 16)
    assert not extrapolates(made, "decoder")


def test_a_token_that_the_tokenizer_does_not_have_is_called_by_its_id():
    made = tiny_models.build("bart", vocab_size=400)
    made.generation_config.suppress_tokens = [*range(320)]
    made.generation_config.forced_eos_token_id = None
    written = trace(made)
    assert {token.text for token in written["cross"].predicts} <= {f"[id {id_}]" for id_ in range(320, 400)}


def llava(folder, architecture):
    """A tiny LLaVA on disk, whose configuration names that class, or none."""
    torch.manual_seed(0)
    sees = transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=8, patch_size=4
    )
    config = transformers.LlavaConfig(
        vision_config=sees, text_config=transformers.LlamaConfig(**tiny_models._DECODER), image_token_index=319
    )
    made = transformers.LlavaForConditionalGeneration(config).eval()
    made.save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    saved = copy.copy(made.config)
    saved.architectures = architecture and [architecture]
    saved.save_pretrained(folder)
    return made


@pytest.mark.parametrize("architecture", ["LlavaForConditionalGeneration", "LlavaModel", None])
def test_a_model_of_pictures_and_text_writes_from_text_with_any_class_in_its_configuration(architecture, tmp_path):
    made = llava(tmp_path, architecture)
    expected = made.generate(**tiny_models.tokenizer()(TEXT, return_tensors="pt"), max_new_tokens=6, do_sample=False)[0]
    assert ids(attnviz.trace(TEXT, tmp_path, generate=6)) == expected.tolist()


def test_the_error_for_a_model_without_its_head_names_the_class_with_it(tmp_path):
    with pytest.raises(ModelError) as error:
        trace(llava(tmp_path, None).model)
    assert "AutoModelForImageTextToText" in error.value.hint


def test_a_target_starts_from_the_token_that_generate_starts_from():
    made = model("bart", {"decoder_start_token_id": 5, "max_length": 6})
    assert made.config.decoder_start_token_id != 5
    tokens = tiny_models.tokenizer()(TEXT, return_tensors="pt")
    inputs = {name: tokens[name] for name in ("input_ids", "attention_mask")}
    assert ids(trace(made)) == made.generate(**inputs, num_beams=1, do_sample=False)[0].tolist()
    assert ids(trace(made, target="I ate."))[0] == 5


def test_a_note_says_that_nothing_but_marks_was_written():
    every = range(model("llama", {}).config.vocab_size)
    made = model("llama", {"suppress_tokens": [*every], "eos_token_id": 2})
    written = trace(made)
    pad = {token.text for token in written["masked-self"].keys if token.generated}
    assert len(pad) == 1
    assert f"generated only {pad.pop()} (6 tokens)" in written.notes
    ended = trace(model("llama", {"suppress_tokens": [id_ for id_ in every if id_ != 2], "eos_token_id": 2}))
    assert "generated nothing, because the model ended the text at once (1 token)" in ended.notes


def test_a_decoder_that_is_deeper_than_its_former_encoder_writes():
    config = transformers.BartConfig(
        vocab_size=len(tiny_models.tokenizer()), d_model=16, encoder_layers=1, decoder_layers=3, pad_token_id=0,
        encoder_attention_heads=2, decoder_attention_heads=2, decoder_ffn_dim=24, max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(0)
    made = transformers.BartForCausalLM(config).eval()
    inputs = tiny_models.tokenizer()(TEXT, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        expected = made.generate(**inputs, max_new_tokens=6, do_sample=False, use_cache=False)[0].tolist()
    written = trace(made)
    assert [token.id for token in written["masked-self"].queries] == expected
