"""A model in memory with adapters of peft: its weights are those of peft's own model with eager attention."""

from contextlib import nullcontext

import numpy as np
import peft
import pytest
import tiny_models
import torch
from load_checks import TEXT
from tiny_adapters import TARGET, eager, weights
from transformers import MvpConfig, MvpForConditionalGeneration

import attnviz
from attnviz.errors import ModelError, SelectionError
from attnviz.kinds import KINDS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")  # of peft

TASKS = {"bert": "FEATURE_EXTRACTION", "t5": "SEQ_2_SEQ_LM", "bart": "SEQ_2_SEQ_LM"}  # of others: a decoder's


def plain(base):
    """The model of that type that an adapter goes on; a prefix asks that both stacks be alike."""
    alike = {"decoder_attention_heads": 4, "decoder_layers": 2} if base == "bart" else {}
    alike = {"num_decoder_layers": 3} if base == "t5" else alike
    return tiny_models.build(base, **alike) if base in TASKS else tiny_models.writer(base)


def adapted(base, config, **settings):
    """A model of that type with an adapter whose weights are random, so that it changes something."""
    model = peft.get_peft_model(plain(base), config(task_type=TASKS.get(base, "CAUSAL_LM"), **settings)).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.3)
    return model


def traced(model, **options):
    return attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer(), **options)


LINEAR = {"llama": ["q_proj", "k_proj"], "gpt2": ["c_attn"], "bert": ["query", "key"], "t5": ["q", "k"]}
LORA = {"r": 4}
INSIDE = {
    "LoRA": (peft.LoraConfig, LORA),
    "DoRA": (peft.LoraConfig, LORA | {"use_dora": True}),
    "rsLoRA of all layers": (peft.LoraConfig, LORA | {"use_rslora": True, "target_modules": "all-linear"}),
    "AdaLoRA": (peft.AdaLoraConfig, {"total_step": 10}),
    "VeRA": (peft.VeraConfig, {"r": 4}),
    "LoHa": (peft.LoHaConfig, {"r": 4}),
    "LoKr": (peft.LoKrConfig, {"r": 4}),
    "OFT": (peft.OFTConfig, {"oft_block_size": 8}),
    "BOFT": (peft.BOFTConfig, {"boft_block_size": 8}),
    "IA3": (peft.IA3Config, {"feedforward_modules": []}),
    "HRA": (peft.HRAConfig, {"r": 4}),
    "RandLoRA": (peft.RandLoraConfig, {"r": 4}),
    "FourierFT": (peft.FourierFTConfig, {"n_frequency": 20}),
}


@pytest.mark.parametrize(("config", "settings"), INSIDE.values(), ids=INSIDE)
def test_an_adapter_inside_the_model_is_run_with_it(config, settings):
    model = adapted("llama", config, **{"target_modules": LINEAR["llama"], **settings})
    trace = traced(model)
    np.testing.assert_allclose(weights(trace), eager(model), atol=1e-5)
    assert np.abs(weights(trace) - weights(traced(plain("llama")))).max() > 0.01
    assert trace.provenance["adapter"].startswith("default (")
    assert trace.notes == ()


def test_normalisation_layers_that_were_tuned_are_run_too():
    model = adapted("llama", peft.LNTuningConfig, target_modules=["input_layernorm"])
    np.testing.assert_allclose(weights(traced(model)), eager(model), atol=1e-5)


@pytest.mark.parametrize("base", ["gpt2", "bert", "bloom"])
def test_lora_in_other_models(base):
    model = adapted(base, peft.LoraConfig, r=4, target_modules=LINEAR.get(base, ["query_key_value"]))
    np.testing.assert_allclose(weights(traced(model)), eager(model), atol=1e-5)


def test_lora_in_an_encoder_decoder():
    model = adapted("t5", peft.LoraConfig, r=4, target_modules=LINEAR["t5"])
    trace, expected = traced(model, target=TARGET), eager(model, target=TARGET)
    for kind in KINDS:
        np.testing.assert_allclose(weights(trace, kind), expected[kind], atol=1e-5)


def test_adapters_of_several_types_at_once():
    model = peft.get_peft_model(plain("llama"), peft.LoraConfig(target_modules=["q_proj"]), mixed=True)
    model.add_adapter("other", peft.LoHaConfig(target_modules=["k_proj"], init_weights=False))
    model.set_adapter(["default", "other"])
    trace = traced(model.eval())
    np.testing.assert_allclose(weights(trace), eager(model), atol=1e-5)
    assert trace.provenance["adapter"] == "default (LORA), other (LOHA)"


def test_the_adapter_that_is_switched_on_is_run_and_named():
    model = adapted("llama", peft.LoraConfig, target_modules=["q_proj"])
    model.add_adapter("other", peft.LoraConfig(target_modules=["k_proj"], init_lora_weights=False))
    loaded = attnviz.load(model, tokenizer=tiny_models.tokenizer())
    first = loaded.trace(TEXT)
    model.set_adapter("other")
    second = loaded.trace(TEXT)
    np.testing.assert_allclose(weights(second), eager(model), atol=1e-5)
    assert np.abs(weights(first) - weights(second)).max() > 0.01
    assert (first.provenance["adapter"], second.provenance["adapter"]) == ("default (LORA)", "other (LORA)")


@pytest.mark.parametrize(
    ("config", "settings"), [(peft.LoraConfig, {"target_modules": ["q_proj"]}), (peft.PromptTuningConfig, {})]
)
def test_an_adapter_that_is_disabled_is_not_run_and_the_trace_says_so(config, settings):
    settings = settings or {"num_virtual_tokens": 4}
    model = adapted("llama", config, **settings)
    loaded = attnviz.load(model, tokenizer=tiny_models.tokenizer())
    with model.disable_adapter():
        trace = loaded.trace(TEXT)
        again = traced(model)
    expected = weights(traced(plain("llama")))
    for found in (trace, again):
        np.testing.assert_allclose(weights(found), expected, atol=1e-5)
        assert "default" in found.provenance["adapter"]
        assert found.provenance["adapter"].endswith("disabled)")
        assert found.notes == ("the adapter default is disabled",)
    np.testing.assert_allclose(weights(loaded.trace(TEXT)), eager(model), atol=1e-5)


def test_merged_adapters_are_run_and_never_taken_out_of_a_users_weights():
    model = adapted("llama", peft.LoraConfig, target_modules=["q_proj"])
    expected = eager(model)
    model.merge_adapter()
    trace = traced(model)
    np.testing.assert_allclose(weights(trace), expected, atol=1e-5)
    assert trace.provenance["adapter"] == "default (LORA, merged)"
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with model.disable_adapter(), pytest.raises(ModelError, match="merged"):
        traced(model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    model.unmerge_adapter()
    with model.disable_adapter():
        np.testing.assert_allclose(weights(traced(model)), weights(traced(plain("llama"))), atol=1e-5)
    np.testing.assert_allclose(weights(traced(model.merge_and_unload())), expected, atol=1e-5)


def test_an_adapter_that_transformers_has_put_in_is_run_and_named(monkeypatch):
    from transformers.integrations import peft as integration

    monkeypatch.setattr(integration, "check_peft_version", lambda **_: None)  # it asks for one that is not out yet
    model = plain("llama")
    model.add_adapter(peft.LoraConfig(target_modules=["q_proj"], init_lora_weights=False), adapter_name="mine")
    model.eval()
    trace = traced(model)
    np.testing.assert_allclose(weights(trace), eager(model), atol=1e-5)
    assert trace.provenance["adapter"] == "mine (LORA)"
    model.disable_adapters()
    assert traced(model).notes == ("the adapter mine is disabled",)


def test_an_adapter_that_begins_at_a_word_is_run_by_its_own_forward():
    model = adapted("llama", peft.LoraConfig, r=4, target_modules=["q_proj"], alora_invocation_tokens=[300])
    ids = tiny_models.tokenizer()(TEXT)["input_ids"]
    model.peft_config["default"].alora_invocation_tokens = [ids[2]]
    np.testing.assert_allclose(weights(traced(model)), eager(model), atol=1e-5)


def test_llama_adapter_shows_the_text_and_notes_the_vectors_that_are_not_shown():
    model = adapted("llama", peft.AdaptionPromptConfig, adapter_len=5, adapter_layers=2)
    trace = traced(model)
    np.testing.assert_allclose(weights(trace), eager(model), atol=1e-5)
    assert np.abs(weights(trace) - weights(traced(plain("llama")))).max() > 0.01
    assert "in 2 layers each query looks at 5 vectors of an adapter too" in trace.notes[0]


PROMPTS = {
    "prompt tuning": (peft.PromptTuningConfig, {}),
    "P-tuning": (peft.PromptEncoderConfig, {"encoder_hidden_size": 8}),
}
NAMES = ["‹prompt 1›", "‹prompt 2›", "‹prompt 3›", "‹prompt 4›"]


@pytest.mark.parametrize("base", ["llama", "gpt2", "gemma2", "bloom", "bert"])
@pytest.mark.parametrize(("config", "settings"), PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_is_keys_and_queries_before_the_text(base, config, settings):
    model = adapted(base, config, num_virtual_tokens=4, **settings)
    trace, alone = traced(model), traced(plain(base))
    np.testing.assert_allclose(weights(trace), eager(model), atol=1e-5)
    [kind] = trace.kinds
    attention, texts = trace[kind], [token.text for token in alone[kind].keys]
    assert [token.text for token in attention.keys] == NAMES + texts
    assert attention.queries == attention.keys
    assert attention.is_whole
    assert all(t.special and t.span is None and t.word is None and t.segment == 0 for t in attention.keys[:4])
    assert {t.segment for t in attention.keys[4:]} == {1}
    if attention.predicts:
        assert [token and token.text for token in attention.predicts] == [None, None, None, *texts, None]
    assert "‹prompt 1› to ‹prompt 4› are not words" in trace.notes[0]


@pytest.mark.parametrize("base", ["llama", "gpt2", "bloom", "bert"])
def test_a_prefix_is_only_keys(base):
    model = adapted(base, peft.PrefixTuningConfig, num_virtual_tokens=4)
    trace, alone = traced(model), traced(plain(base))
    expected = eager(model)
    np.testing.assert_allclose(weights(trace), expected, atol=1e-5)
    [kind] = trace.kinds
    attention, n = trace[kind], len(alone[kind].keys)
    assert weights(trace).shape[2:] == (n, n + 4)
    assert [t.text for t in attention.keys[:5]] == ["‹prefix 1›", "‹prefix 2›", "‹prefix 3›", "‹prefix 4›", "I"]
    assert [attention.queries[start].text for start, _ in attention.rows] == [t.text for t in alone[kind].keys]
    layer = attention.layers[1]
    part = traced(model, layers=[layer], heads=[2], rows=[5, 7], columns=[0, 4])[kind]
    np.testing.assert_allclose(part.matrix(layer, 2), expected[layer, 2][[1, 3]][:, [0, 4]], atol=1e-5)
    with pytest.raises(SelectionError, match="‹prefix 1›"):
        traced(model, rows=[2])


@pytest.mark.parametrize("base", ["t5", "bart"])
def test_an_encoder_decoder_has_a_prompt_before_its_source_and_a_prefix_before_its_target(base):
    for config in (peft.PromptTuningConfig, peft.PromptEncoderConfig, peft.PrefixTuningConfig):
        model = adapted(base, config, num_virtual_tokens=4)
        trace, expected = traced(model, target=TARGET), eager(model, target=TARGET)
        for kind in KINDS:
            np.testing.assert_allclose(weights(trace, kind), expected[kind], atol=1e-5)
            virtual = [token.text for token in trace[kind].keys if "‹" in token.text]
            is_prefix = config is peft.PrefixTuningConfig
            assert len(virtual) == 4 * (kind == "masked-self" if is_prefix else kind != "masked-self")


def summed(matrix, tokens, virtual=0):
    """A matrix by words: columns of a word added up, its rows averaged; the virtual tokens in front are words."""
    numbers = [*range(virtual), *(virtual + number for number in tokens)]
    columns = np.stack([matrix[:, [n == word for n in numbers]].sum(1) for word in sorted(set(numbers))], 1)
    rows = numbers[len(numbers) - len(matrix) :]
    return np.stack([columns[[n == word for n in rows]].mean(0) for word in sorted(set(rows))])


@pytest.mark.parametrize("config", [peft.PromptTuningConfig, peft.PrefixTuningConfig])
def test_words_are_merged_and_virtual_tokens_are_not(config):
    from attnviz.words import word_numbers

    text = "나는 사과를 먹었다."
    model = adapted("llama", config, num_virtual_tokens=4)
    loaded = attnviz.load(model, tokenizer=tiny_models.tokenizer())
    tokens = loaded.trace(text)["masked-self"].keys[4:]
    trace = attnviz.trace(text, loaded, words=True)["masked-self"]
    numbers = word_numbers(tokens)
    assert len(set(numbers)) < len(tokens)
    for layer, matrices in enumerate(eager(model, text)):
        for head, matrix in enumerate(matrices):
            np.testing.assert_allclose(trace.matrix(layer, head), summed(matrix, numbers, 4), atol=1e-5)
    first = [trace.keys[4].text] if config is peft.PromptTuningConfig else [None]
    written = [token.text for token in trace.keys[5:]]
    assert [token and token.text for token in trace.predicts] == [None, None, None, *first, *written, None]


@pytest.mark.parametrize("config", [peft.PromptTuningConfig, peft.PrefixTuningConfig])
def test_texts_of_several_lengths_at_once(config):
    model = attnviz.load(adapted("llama", config, num_virtual_tokens=4), tokenizer=tiny_models.tokenizer())
    texts = [TEXT, "I ate.", "She ate an apple and went to school."]
    for text, trace in zip(texts, model.trace_all(texts), strict=True):
        np.testing.assert_allclose(weights(trace), weights(model.trace(text)), atol=1e-5)


@pytest.mark.parametrize("config", [peft.PromptTuningConfig, peft.LoraConfig])
def test_the_generated_text_is_that_of_peft(config):
    settings = {"target_modules": ["q_proj"]} if config is peft.LoraConfig else {"num_virtual_tokens": 4}
    model = adapted("llama", config, **settings)
    trace = traced(model, generate=5)
    tokens = tiny_models.tokenizer()(TEXT, return_tensors="pt")
    tokens.pop("token_type_ids", None)
    with torch.no_grad():
        written = model.generate(**tokens, max_new_tokens=5, do_sample=False, use_cache=False)[0].tolist()
    attention = trace["masked-self"]
    assert [token.id for token in attention.keys if "‹" not in token.text] == written
    assert len({token.segment for token in attention.keys}) == (2 if config is peft.LoraConfig else 3)


def test_a_decoder_does_not_write_with_a_prefix():
    with pytest.raises(ModelError, match="learned prefix"):
        traced(adapted("llama", peft.PrefixTuningConfig, num_virtual_tokens=4), generate=5)


@pytest.mark.parametrize("config", [peft.PromptTuningConfig, peft.PrefixTuningConfig])
def test_a_target_is_generated_as_peft_generates_it(config):
    model = adapted("t5", config, num_virtual_tokens=4)
    model.base_model.generation_config.max_length = 12
    trace = traced(model)
    tokens = tiny_models.tokenizer()(TEXT, return_tensors="pt")
    tokens.pop("token_type_ids", None)
    with torch.no_grad():
        written = model.generate(**tokens, max_length=12, do_sample=False, use_cache=False)[0].tolist()
    read = [token.id for token in trace["cross"].queries if "‹" not in token.text]
    assert len(read) > 4
    assert read == written[: len(read)]


@pytest.mark.parametrize("config", [peft.PromptTuningConfig, peft.PrefixTuningConfig])
def test_a_picture_a_query_a_default_head_and_a_saved_trace(config, tmp_path):
    model = adapted("llama", config, num_virtual_tokens=4)
    trace = traced(model)
    opened = attnviz.open(trace.save(tmp_path / "saved.safetensors"))
    assert [t.text for t in opened["masked-self"].keys] == [t.text for t in trace["masked-self"].keys]
    np.testing.assert_array_equal(weights(opened), weights(trace))
    for style in ("heatmap", "lines", "arcs", "text"):
        attnviz.plot(opened, style=style, query="apple" if style == "text" else None)
    attnviz.plot(opened)


@pytest.mark.parametrize("config", [peft.PromptTuningConfig, peft.PrefixTuningConfig])
def test_many_virtual_tokens_are_pooled_as_others_are(config):
    model = adapted("llama", config, num_virtual_tokens=40)
    a = attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer(), cells=8)["masked-self"]
    assert len(a.columns) <= 9
    assert a.columns[0] == (0, 1)


def test_a_text_and_its_virtual_tokens_have_to_fit():
    model = adapted("gpt2", peft.PromptTuningConfig, num_virtual_tokens=60)
    with pytest.raises(attnviz.errors.InputError, match="after 60 virtual ones"):
        traced(model)


REFUSED = {
    "a task by its number": (
        peft.MultitaskPromptTuningConfig,
        {"num_virtual_tokens": 4, "num_tasks": 2},
        "by a number",
    ),
    "poly": (peft.PolyConfig, {"target_modules": ["q_proj"], "n_tasks": 2}, "by a number"),
}


@pytest.mark.parametrize(("config", "settings", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_adapter_that_needs_more_than_a_text_is_refused(config, settings, reason):
    with pytest.raises(ModelError, match=reason):
        traced(adapted("llama", config, **settings))


def test_a_prefix_that_a_sliding_window_cuts_is_refused():
    with pytest.raises(ModelError, match="virtual tokens"):
        traced(adapted("gemma2", peft.PrefixTuningConfig, num_virtual_tokens=4))


def test_a_prefix_that_does_not_fit_its_model_is_refused():
    model = peft.get_peft_model(
        tiny_models.build("bart"), peft.PrefixTuningConfig("SEQ_2_SEQ_LM", num_virtual_tokens=4)
    )
    with pytest.raises(ModelError, match="does not run without attnviz either"):
        traced(model.eval(), target=TARGET)


@pytest.mark.parametrize("disabled", [False, True])
def test_the_users_model_is_as_it_was(disabled):
    model = adapted("llama", peft.PromptTuningConfig, num_virtual_tokens=4)
    state = {name: set(vars(module)) for name, module in model.named_modules()}
    with model.disable_adapter() if disabled else nullcontext():
        during = {name: set(vars(module)) for name, module in model.named_modules()}
        traced(model, generate=2)
        assert {name: set(vars(module)) for name, module in model.named_modules()} == during
    assert model.config._attn_implementation != "attnviz"
    assert disabled or {name: set(vars(module)) for name, module in model.named_modules()} == state


def test_shares_of_a_prefixed_head_are_those_of_its_rows_by_hand():
    model = adapted("llama", peft.PrefixTuningConfig, num_virtual_tokens=4)
    attention = traced(model)["masked-self"]
    for layer, matrices in enumerate(eager(model, TEXT)):
        before = [[matrix[row, row + 3] for row in range(len(matrix))] for matrix in matrices]
        same = [[matrix[row, row + 4] for row in range(len(matrix))] for matrix in matrices]
        apart = [[abs(row + 4 - key) for key in range(matrices.shape[-1])] for row in range(matrices.shape[-2])]
        np.testing.assert_allclose(attnviz.analysis.previous_token(attention, layer), np.mean(before, 1), atol=1e-5)
        np.testing.assert_allclose(attnviz.analysis.same_token(attention, layer), np.mean(same, 1), atol=1e-5)
        np.testing.assert_allclose(attnviz.analysis.sink(attention, layer), matrices[:, :, 0].mean(1), atol=1e-5)
        far = (matrices * apart).sum((1, 2)) / matrices.shape[-2]
        np.testing.assert_allclose(attnviz.analysis.distance(attention, layer), far, atol=1e-4)
    assert attention.has_all_rows
    assert not attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer(), rows=[6])["masked-self"].has_all_rows


@pytest.mark.parametrize("config", [peft.PromptTuningConfig, peft.PrefixTuningConfig])
def test_a_picture_explains_its_line_and_does_not_mark_virtual_tokens_as_special(config):
    from attnviz.render.exclusion import exclude
    from attnviz.render.scene import scene

    trace = traced(adapted("bert", config, num_virtual_tokens=4))
    drawn = scene(trace, "self", ((0, 0),))
    assert drawn.borders_note == "line: the text begins, after learned vectors"
    marks = [token.text for token in drawn.attention.keys[4:] if token.special]
    assert marks
    left = [name for name in drawn.columns if name not in marks]
    assert [*exclude(drawn, special="hide").columns] == left
    assert "‹" in left[0]


def test_the_name_of_a_model_in_memory_has_its_enabled_adapters():
    model = adapted("bert", peft.LoraConfig, target_modules=["query"])
    model.get_base_model().config.name_or_path = "clf"
    assert traced(model).model == "clf + LoRA"
    with model.disable_adapter():
        assert traced(model).model == "clf"
    prompt = adapted("llama", peft.PromptTuningConfig, num_virtual_tokens=4)
    assert traced(prompt).model.endswith(" + prompt tuning")


def test_prompts_of_a_models_own_are_refused_and_without_them_it_is_drawn(tmp_path):
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    sizes |= {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "vocab_size": len(tiny_models.tokenizer())}
    marks = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    config = MvpConfig(**sizes, **marks, use_prompt=True, prompt_length=3, prompt_mid_dim=4)
    MvpForConditionalGeneration(config).save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"(?s)learned prompts as keys of each layer.*use_prompt=False"):
        attnviz.trace(TEXT, tmp_path, target=TEXT)
    model = MvpForConditionalGeneration.from_pretrained(tmp_path, use_prompt=False)
    trace = attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer(), target=TEXT)
    assert trace.kinds == KINDS
