"""Models for a task: the loaded class, the inputs of its base, and the rows of a decoder that writes nothing."""

import numpy as np
import pytest
import tiny_models
import tiny_tokenizers
import torch
import transformers
from load_checks import configure, refused, same
from safetensors.torch import load_file, save_file

import attnviz
from attnviz.errors import InputError, ModelError
from attnviz.models.huggingface.loading import load_model
from attnviz.models.huggingface.location import locate
from attnviz.render.plan import plot_scene
from attnviz.selection import Selection

TEXT = "I ate an apple."
PAIR = {**tiny_models._PAIR, "decoder_layers": 2}
CONFIGS = {
    "Bart": lambda: transformers.BartConfig(**PAIR),
    "MBart": lambda: transformers.MBartConfig(**PAIR),
    "T5": lambda: transformers.T5Config(**tiny_models._T5),
    "Llama": lambda: transformers.LlamaConfig(**tiny_models._DECODER),
    "GPT2": lambda: transformers.GPT2Config(**tiny_models._GPT2),
    "Bert": lambda: transformers.BertConfig(**tiny_models._ENCODER),
    "DPR": lambda: transformers.DPRConfig(**tiny_models._ENCODER),
    "Longformer": lambda: transformers.LongformerConfig(**tiny_models._ENCODER, attention_window=4, sep_token_id=2),
}


def make(name: str) -> transformers.PreTrainedModel:
    """A tiny model of that class, always the same one."""
    config = next(make_one() for family, make_one in CONFIGS.items() if name.startswith(family))
    torch.manual_seed(1)
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.2)
    return model


def saved(name: str, folder) -> transformers.PreTrainedModel:
    model = make(name)
    model.save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    return model


def whole(model: transformers.PreTrainedModel, text: str = TEXT):
    """What the whole model gives for a text, by its own eager attention."""
    model.set_attn_implementation("eager")
    inputs = tiny_models.tokenizer()(text, return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        return model(**inputs, output_attentions=True, return_dict=True)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("BartForSequenceClassification", "</s>"),
        ("MBartForSequenceClassification", "</s>"),
        ("T5ForSequenceClassification", "<pad>"),
        ("T5ForQuestionAnswering", "<pad>"),
    ],
)
def test_the_decoder_of_a_classifier_reads_the_text_and_writes_nothing(name, start, tmp_path):
    outputs = whole(saved(name, tmp_path))
    trace = attnviz.trace(TEXT, tmp_path)
    assert trace.target is None
    assert [note for note in trace.notes if "reads the text itself" in note and name in note]
    for kind, is_said in (("self", False), ("masked-self", True), ("cross", True)):
        asked = Selection(kinds=(kind,), layers=(0,), heads=(0,))
        shown, _ = plot_scene(asked.apply(trace), asked)
        assert ("the decoder reads the text itself" in shown.caption) == is_said
    source, read = trace["self"].queries, trace["masked-self"].queries
    assert [token.text for token in read] == [start, *[token.text for token in source[:-1]]]
    assert [token.span for token in read[1:]] == [token.span for token in source[:-1]]
    assert trace["cross"].predicts is trace["masked-self"].predicts is None
    for kind, field in [
        ("self", "encoder_attentions"),
        ("masked-self", "decoder_attentions"),
        ("cross", "cross_attentions"),
    ]:
        for layer, expected in enumerate(outputs[field]):
            np.testing.assert_allclose(trace[kind].weights(layer), expected[0].numpy(), atol=1e-5)
    in_memory = attnviz.trace(TEXT, make(name), tokenizer=tiny_models.tokenizer())
    assert same(in_memory, trace)


@pytest.mark.parametrize("asked", [{"target": "나는"}, {"generate": 2}])
def test_a_model_that_writes_nothing_refuses_a_target_and_a_number_of_tokens(asked):
    for name in ("BartForSequenceClassification", "LlamaForSequenceClassification"):
        if name.startswith("Llama") and "target" in asked:
            continue
        with pytest.raises(InputError, match=name) as error:
            attnviz.trace(TEXT, make(name), tokenizer=tiny_models.tokenizer(), **asked)
        assert error.value.hint.startswith("Leave out")


def test_a_text_longer_than_the_decoder_has_positions_for_is_refused_with_both_numbers():
    config = transformers.LEDConfig(**PAIR, attention_window=4, max_decoder_position_embeddings=16)
    model = transformers.LEDForQuestionAnswering(config).eval()
    with pytest.raises(InputError, match="the text is 41 tokens long, and LEDForQuestionAnswering reads at most 16"):
        attnviz.trace("I " * 20, model, tokenizer=tiny_models.tokenizer())


def test_a_decoder_that_reads_other_tokens_is_shown_with_these_tokens():
    class Backwards(transformers.BartForSequenceClassification):
        def forward(self, input_ids=None, attention_mask=None, decoder_input_ids=None, **others):
            return super().forward(input_ids, attention_mask, decoder_input_ids=input_ids.flip(1), **others)

    model = Backwards(transformers.BartConfig(**PAIR)).eval()
    trace = attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer())
    source, read = trace["self"].queries, trace["masked-self"].queries
    assert [token.text for token in read] == [token.text for token in source[::-1]]
    assert not [token for token in read if token.span]
    assert trace.provenance["decoder reads"] == "what the model makes of the text"


def test_the_rows_of_a_classifier_of_decoder_layers_write_nothing(tmp_path):
    saved("LlamaForSequenceClassification", tmp_path)
    assert attnviz.trace(TEXT, tmp_path)["masked-self"].predicts is None


@pytest.mark.parametrize("name", ["DPRContextEncoder", "DPRQuestionEncoder", "T5ForTokenClassification"])
def test_an_encoder_under_another_name_is_loaded(name, tmp_path):
    outputs = whole(saved(name, tmp_path))
    trace = attnviz.trace(TEXT, tmp_path)
    assert trace.kinds == ("self",)
    for layer, expected in enumerate(outputs.attentions):
        np.testing.assert_allclose(trace["self"].weights(layer), expected[0].numpy(), atol=1e-5)


def test_a_decoder_out_of_an_encoder_decoder_is_loaded_and_writes(tmp_path):
    model = saved("BartForCausalLM", tmp_path)
    trace = attnviz.trace(TEXT, tmp_path, generate=3)
    ids = tiny_models.tokenizer()(TEXT, return_tensors="pt")["input_ids"]
    assert [token.id for token in trace["masked-self"].queries] == model.generate(
        ids, max_new_tokens=3, do_sample=False
    )[0].tolist()
    assert trace["masked-self"].predicts[0].text == "ate"


def test_the_first_token_of_longformers_classifier_looks_at_all(tmp_path):
    saved("LongformerForSequenceClassification", tmp_path)
    for weights in attnviz.trace(TEXT, tmp_path)["self"].by_layer.values():
        assert (weights[:, 0] > 0).all()
        assert (weights[:, :, 0] > 0).all()
        assert (weights[:, 1, 4:] == 0).all()


def test_several_texts_of_a_classifier_have_the_same_weights_as_alone():
    model = attnviz.load(make("LongformerForSequenceClassification"), tokenizer=tiny_models.tokenizer())
    bart = attnviz.load(make("BartForSequenceClassification"), tokenizer=tiny_models.tokenizer())
    texts = [TEXT, "She ate an apple and went to school.", "I"]
    for each in (model, bart):
        for together, text in zip(each.trace_all(texts), texts, strict=True):
            alone = each.trace(text)
            for kind in alone.kinds:
                for layer, weights in alone[kind].by_layer.items():
                    np.testing.assert_allclose(together[kind].weights(layer), weights, atol=1e-5)


def test_a_question_without_a_passage_is_refused_with_a_hint():
    with pytest.raises(InputError, match=r"LongformerForQuestionAnswering cannot read this text: .*three sep") as error:
        attnviz.trace(TEXT, make("LongformerForQuestionAnswering"), tokenizer=tiny_models.tokenizer())
    assert "--text-pair" in error.value.hint
    model, tokenizer = make("LongformerForQuestionAnswering"), tiny_tokenizers.tokenizer("bert, uncased")
    model.config.sep_token_id = tokenizer.sep_token_id
    with pytest.raises(InputError, match="three sep") as error:
        attnviz.trace(TEXT, model, tokenizer=tokenizer, text_pair="I ate.")
    assert "separators" in error.value.hint


def test_a_model_that_needs_more_than_text_says_what():
    config = transformers.BrosConfig(**tiny_models._ENCODER)
    for kind in (transformers.BrosModel, transformers.BrosForTokenClassification):
        with pytest.raises(ModelError, match="BrosModel does not run on only a text: You have to specify bbox"):
            attnviz.trace(TEXT, kind(config).eval(), tokenizer=tiny_models.tokenizer())


def lose(folder, part: str) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if part not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_head_can_be_missing_but_attention_weights_cannot(tmp_path):
    saved("BartForSequenceClassification", tmp_path)
    expected = attnviz.trace(TEXT, tmp_path)
    lose(tmp_path, "classification_head")
    assert same(attnviz.trace(TEXT, tmp_path), expected)
    lose(tmp_path, "decoder.layers.1")
    assert "lacks 26 of the" in (error := refused(tmp_path)).message
    assert "model.decoder.layers.1." in error.message


def test_a_head_that_writes_cannot_be_missing(tmp_path):
    config = transformers.BartConfig(**PAIR, tie_word_embeddings=False)
    transformers.BartForConditionalGeneration(config).save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    lose(tmp_path, "lm_head")
    assert "lm_head.weight" in refused(tmp_path).message
    configure(tmp_path, architectures=["BartModel"])
    assert attnviz.trace(TEXT, tmp_path, target="나는").target == "나는"


@pytest.mark.parametrize(
    "named",
    [None, [], ["MyBert"], ["AutoModel"], ["pipeline"], ["BertPreTrainedModel"], ["GPT2Model"], [3], "BertModel"],
)
def test_a_class_that_is_not_known_is_the_base_of_the_type(named, tmp_path):
    model = tiny_models.build("bert")
    tiny_models.save("bert", tmp_path)
    configure(tmp_path, architectures=named)
    assert same(attnviz.trace(TEXT, tmp_path), attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer()))


def test_the_head_of_a_language_model_is_not_loaded_and_that_of_a_task_is(tmp_path):
    for name, loaded in [
        ("LlamaForCausalLM", "LlamaModel"),
        ("BertForMaskedLM", "BertModel"),
        ("BertForPreTraining", "BertForPreTraining"),
        ("GPT2DoubleHeadsModel", "GPT2DoubleHeadsModel"),
        ("BartForConditionalGeneration", "BartForConditionalGeneration"),
        ("BartModel", "BartForConditionalGeneration"),
    ]:
        saved(name, tmp_path / name)
        assert type(load_model(locate(str(tmp_path / name)), device="cpu")).__name__ == loaded


CODE = """
import transformers
class MyModel(transformers.BertForSequenceClassification):
    def forward(self, input_ids=None, attention_mask=None, **others):
        return super().forward(input_ids, attention_mask, token_type_ids=input_ids % 2, **others)
"""


def test_the_repositorys_own_class_runs_its_forward_where_it_is_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "model"
    model = saved("BertForSequenceClassification", folder)
    (folder / "mine.py").write_text(CODE)
    configure(folder, architectures=["MyModel"], auto_map={"AutoModelForSequenceClassification": "mine.MyModel"})
    ids = tiny_models.tokenizer()(TEXT, return_tensors="pt")["input_ids"]
    model.set_attn_implementation("eager")
    for trusted, types in ((True, ids % 2), (False, ids * 0)):
        with torch.no_grad():
            expected = model(ids, token_type_ids=types, output_attentions=True).attentions
        trace = attnviz.trace(TEXT, folder, trust_remote_code=trusted)
        for layer, weights in enumerate(expected):
            np.testing.assert_allclose(trace["self"].weights(layer), weights[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["T5ForSequenceClassification", "BartForSequenceClassification", "BartModel"])
def test_an_encoder_decoder_whose_configuration_denies_it_is_refused(name, tmp_path):
    saved(name, tmp_path)
    assert "cross" in attnviz.trace(TEXT, tmp_path, target=None if "For" in name else TEXT).kinds
    configure(tmp_path, is_encoder_decoder=False)
    error = refused(tmp_path)
    assert f"the config.json of {tmp_path} says is_encoder_decoder: false, and a {name} has both" in error.message
    assert error.hint == "Set it to true there."
