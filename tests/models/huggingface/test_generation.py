"""Generated texts, compared with `generate` of transformers and its eager attention on the same ids."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import torch
import transformers

import attnviz
from attnviz.attention import borders
from attnviz.capture import find_base
from attnviz.errors import InputError, ModelError
from attnviz.models.huggingface.loading import load_model
from attnviz.models.huggingface.location import locate
from attnviz.models.huggingface.model import HuggingFaceModel
from attnviz.selection import Selection

PROMPT = "She ate an apple. 그녀는"


def loaded(model: transformers.PreTrainedModel, tokenizer=None) -> HuggingFaceModel:
    return HuggingFaceModel.load(model, tokenizer=tokenizer or tiny_models.tokenizer())


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "bloom"])
def test_prompt_and_continuation_are_one_matrix(kind):
    model = tiny_models.writer(kind)
    trace = loaded(model).trace(PROMPT, generate=5)
    prompt = tiny_models.tokenizer()(PROMPT, return_tensors="pt")
    expected = model.generate(**prompt, max_new_tokens=5, do_sample=False)[0].tolist()
    attention = trace["masked-self"]
    assert trace.kinds == ("masked-self",)
    assert [token.id for token in attention.queries] == expected
    assert attention.keys == attention.queries
    assert [token and token.id for token in attention.predicts] == [*expected[1:], None]
    length = prompt["input_ids"].shape[1]
    generated = [token and token.generated for token in attention.predicts]
    assert generated == [False] * (length - 1) + [True] * (len(expected) - length) + [None]
    for layer, weights in enumerate(tiny_models.eager(model, expected)):
        np.testing.assert_allclose(attention.weights(layer), weights, atol=1e-5)


def test_the_rows_of_the_answer_are_those_that_write_it():
    model = loaded(tiny_models.writer("llama"))
    whole, part = (model.trace(PROMPT, generate=4, selection=Selection.of(rows=rows)) for rows in (None, ["answer"]))
    a = whole["masked-self"]
    rows = [row for row, token in enumerate(a.predicts) if token and token.generated]
    assert [start for start, _ in part["masked-self"].rows] == rows
    np.testing.assert_allclose(part["masked-self"].weights(1), a.weights(1)[:, rows], atol=1e-6)


def test_the_text_is_the_prompt_and_the_written_tokens():
    model, tokenizer = tiny_models.writer("llama"), tiny_models.tokenizer()
    trace = loaded(model).trace(PROMPT, generate=6)
    tokens, length = trace["masked-self"].queries, len(tokenizer(PROMPT)["input_ids"])
    written = trace.provenance["generated"]
    assert trace.text == PROMPT + written
    assert written == tokenizer.decode([token.id for token in tokens[length:] if not token.special])
    assert trace.target is None
    assert borders(tokens) == (length,)
    assert {token.segment for token in tokens[length:]} == {1}
    assert tokens[:length] == loaded(model).trace(PROMPT)["masked-self"].queries
    for token in tokens[length:]:
        assert token.special or token.span[0] >= len(PROMPT)
    assert "generated" in trace.notes[0]


@pytest.mark.parametrize("make", [tiny_models.wordpiece, tiny_models.unigram])
def test_written_tokens_are_those_of_the_whole_text(make):
    """Wherever the text is cut, within a word too, so long as the prompt's ids are the text's first ones."""
    text_tokenizer = loaded(tiny_models.writer("llama"), make()).text_tokenizer
    whole = text_tokenizer.encode("the dog that the cat saw wore a red hat.")
    cuts = []
    for index in range(1, len(whole.ids)):
        prompt = text_tokenizer.encode(whole.text[: whole.tokens[index].span[0]].rstrip())
        if prompt.ids == whole.ids[:index]:
            continued = text_tokenizer.continued(prompt, whole.ids[index:])
            assert continued.text == whole.text
            assert borders(continued.tokens) == (index,)
            assert [token.generated for token in continued.tokens] == [i >= index for i in range(len(whole.ids))]
            assert tuple(replace(t, segment=0, generated=False) for t in continued.tokens) == whole.tokens
            cuts.append(whole.tokens[index].word == whole.tokens[index - 1].word)
    assert any(cuts)
    assert not all(cuts)


def test_a_character_that_is_not_whole_is_no_replacement_character():
    text_tokenizer = loaded(tiny_models.writer("llama")).text_tokenizer
    prompt = text_tokenizer.encode("I ate")
    parts = tiny_models.tokenizer()("사", add_special_tokens=False)["input_ids"]
    assert len(parts) > 1
    whole = text_tokenizer.continued(prompt, parts)
    assert whole.text.endswith("사")
    assert [token.text for token in whole.tokens[-len(parts) :]] == [
        f"사{'₁₂₃₄'[index]}" for index in range(len(parts))
    ]
    cut = text_tokenizer.continued(prompt, parts[:-1])
    assert all("\ufffd" not in token.text for token in cut.tokens)


def test_it_ends_at_the_end_of_the_text():
    model = tiny_models.writer("llama")
    prompt = tiny_models.tokenizer()(PROMPT, return_tensors="pt")
    third = model.generate(**prompt, max_new_tokens=3, do_sample=False)[0, -1].item()
    model.generation_config.eos_token_id = [2, third]
    trace = loaded(model).trace(PROMPT, generate=50)
    ids = [token.id for token in trace["masked-self"].queries]
    assert ids[-1] == third
    assert len(ids) <= prompt["input_ids"].shape[1] + 3


def test_an_end_mark_is_special():
    model = tiny_models.writer("llama")
    first = model.generate(**tiny_models.tokenizer()(PROMPT, return_tensors="pt"), max_new_tokens=1, do_sample=False)[
        0, -1
    ]
    tokenizer = tiny_models.tokenizer()
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(int(first))
    model.generation_config.eos_token_id = int(first)
    trace = loaded(model, tokenizer).trace(PROMPT, generate=4)
    assert trace["masked-self"].queries[-1].special
    assert trace["masked-self"].queries[-1].span is None
    assert trace.text == PROMPT
    assert "nothing" in trace.notes[0]


def test_it_is_the_same_each_time_whatever_the_model_says_of_sampling():
    model = tiny_models.writer("llama", attention_dropout=0.5).train()
    model.generation_config.update(do_sample=True, temperature=2.0, num_beams=3)
    texts = {loaded(model).trace(PROMPT, generate=5).text for _ in range(3)}
    assert len(texts) == 1
    assert model.training
    assert model.config._attn_implementation == "sdpa"


def test_a_generated_text_is_saved_and_merged_to_words(tmp_path):
    trace = loaded(tiny_models.writer("llama")).trace(
        "I ate an", generate=4, selection=Selection(layers=(1,), words=True)
    )
    opened = attnviz.open(trace.save(tmp_path / "written.safetensors"))
    tokens = opened["masked-self"].queries
    assert opened.provenance["generated"] == trace.provenance["generated"]
    assert tokens == trace["masked-self"].queries
    assert len(borders(tokens)) <= 1
    np.testing.assert_allclose(opened["masked-self"].weights(1).sum(-1), 1, atol=1e-5)


def test_the_room_is_held_against_all_that_will_be_there():
    model = loaded(tiny_models.writer("gpt2"))
    length = len(tiny_models.tokenizer()(PROMPT)["input_ids"])
    with pytest.raises(
        InputError, match=rf"{length} tokens long, with 60 to generate, and \S+ reads at most 64"
    ) as error:
        model.trace(PROMPT, generate=60)
    assert f"at most {64 - length}" in error.value.hint
    assert len(model.trace(PROMPT, generate=64 - length)["masked-self"].queries) <= 64


def test_rotary_positions_go_on_with_a_note():
    text = "She ate an apple. " * 12
    trace = loaded(tiny_models.build("llama")).trace(text)
    ids = [token.id for token in trace["masked-self"].queries]
    assert len(ids) > 64
    assert "was made for 64" in trace.notes[0]
    for layer, weights in enumerate(tiny_models.eager(tiny_models.build("llama"), ids)):
        np.testing.assert_allclose(trace["masked-self"].weights(layer), weights, atol=1e-5)
    with pytest.raises(InputError, match="reads at most 64"):
        loaded(tiny_models.build("gpt2")).trace(text)


@pytest.mark.parametrize(
    ("model", "error", "says"),
    [
        (lambda: tiny_models.build("bert"), InputError, "reads both ways"),
        (lambda: transformers.BertForMaskedLM(tiny_models.build("bert").config), InputError, "reads both ways"),
        (lambda: tiny_models.build("bart"), InputError, "is an encoder-decoder"),
        (lambda: tiny_models.build("llama"), ModelError, "LlamaModel has no language-model head"),
    ],
)
def test_the_error_for_a_model_that_cannot_continue_a_text_says_why(model, error, says):
    with pytest.raises(error, match=says) as caught:
        loaded(model()).trace(PROMPT, generate=2)
    assert caught.value.hint


def test_no_tokens_are_nothing_to_generate():
    with pytest.raises(InputError, match="0 is not a number of tokens"):
        attnviz.trace(PROMPT, tiny_models.writer("llama"), tokenizer=tiny_models.tokenizer(), generate=0)


@pytest.mark.parametrize(("kind", "head"), [("llama", True), ("bert", False)])
def test_a_head_is_loaded_where_it_is_asked_for_and_there_can_be_one(kind, head, tmp_path):
    (tiny_models.writer("llama") if kind == "llama" else tiny_models.build(kind)).save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    place = locate(str(tmp_path))
    assert load_model(place, with_head=True, device="cpu").can_generate() == head
    assert not load_model(place, device="cpu").can_generate()
    if head:
        assert attnviz.trace(PROMPT, tmp_path, generate=3).provenance["generated"]


HEADED = {
    "llama": lambda: tiny_models.writer("llama"),
    "t5": lambda: tiny_models.build("t5"),
    "bart": lambda: tiny_models.build("bart"),
    "umt5": lambda: transformers.UMT5ForConditionalGeneration(
        transformers.UMT5Config(**{**tiny_models._T5, "num_decoder_layers": 3})
    ).eval(),
}


@pytest.mark.parametrize("kind", HEADED)
def test_no_head_runs_while_attention_is_captured(kind):
    model = HEADED[kind]()
    head = model.get_output_embeddings()
    calls = []
    head.register_forward_hook(lambda *_: calls.append(1))
    target = None if kind == "llama" else "나는 사과를"
    given = loaded(model).trace("I ate", target=target)
    assert not calls
    assert given.attentions
    loaded(model).trace("I ate", **({"generate": 2} if kind == "llama" else {}))
    assert calls


@pytest.mark.parametrize("kind", ["t5", "umt5"])
def test_a_bare_model_has_the_weights_of_the_whole_model(kind):
    model = HEADED[kind]()
    bare = find_base(model)
    assert bare is not model
    assert bare.get_output_embeddings() is None
    assert not [name for name, weight in bare.named_parameters() if weight.is_meta]
    ids = torch.tensor([[5, 6, 7, 2]])
    with torch.no_grad():
        whole = model(input_ids=ids, decoder_input_ids=ids, output_hidden_states=True)
        alone = bare(input_ids=ids, decoder_input_ids=ids)
    torch.testing.assert_close(alone.last_hidden_state, whole.decoder_hidden_states[-1])


def test_a_t5_with_the_deeper_decoder_generates():
    model = tiny_models.build("t5", num_layers=2, num_decoder_layers=4)
    trace = loaded(model).trace("I ate an apple.")
    assert trace["cross"].layers == (0, 1, 2, 3)
    ids = tiny_models.tokenizer()("I ate an apple.", return_tensors="pt")["input_ids"]
    read = [token.id for token in trace["cross"].queries]
    with torch.no_grad():
        written = model(input_ids=ids, decoder_input_ids=torch.tensor([read])).logits[0].argmax(-1).tolist()
    assert [token.id for token in trace["cross"].predicts] == written


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_tokens_that_an_encoder_decoder_chose_are_marked_and_start_and_forced_tokens_are_not(kind):
    model = tiny_models.build(kind)
    model.generation_config.forced_bos_token_id, model.generation_config.eos_token_id = 7, None
    cross = loaded(model).trace("I ate")["cross"]
    ids = tiny_models.tokenizer()("I ate", return_tensors="pt")["input_ids"]
    expected = model.generate(ids, do_sample=False, max_length=len(cross.queries) + 1)[0].tolist()
    assert [token.id for token in (cross.queries[0], *cross.predicts)] == expected
    assert cross.predicts[0].id == 7
    read = torch.tensor([[token.id for token in cross.queries]])
    with torch.no_grad():
        likeliest = model(input_ids=ids, decoder_input_ids=read).logits[0].argmax(-1).tolist()
    chosen = [token.id for token in cross.predicts if token.generated]
    made_to_end = kind == "bart"  # by its forced_eos_token_id
    assert chosen == likeliest[1 : -1 if made_to_end else None]
    assert [token.generated for token in cross.predicts] == [False, *[True] * len(chosen), *[False] * made_to_end]
    assert [t.generated for t in cross.queries] == [False, *(t.generated for t in cross.predicts[:-1])]
    given = loaded(model).trace("I ate", target="나는")["cross"]
    assert not any(token.generated for token in given.predicts)


def test_a_causal_encoder_writes_nothing():
    size = {"vocab_size": 320, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    model = transformers.CLIPTextModel(transformers.CLIPTextConfig(**size, num_attention_heads=4, eos_token_id=2))
    assert loaded(model.eval()).trace("I ate")["masked-self"].predicts is None


def test_a_target_that_is_cut_says_so():
    model = tiny_models.build("t5", eos_token_id=None)
    model.generation_config.eos_token_id = None
    trace = loaded(model).trace("I ate")
    assert len(trace["cross"].queries) == 255
    assert "cut at 256 tokens" in trace.notes[0]
    assert not loaded(model).trace("I ate", target="나는").notes
    short = tiny_models.build("bart")
    assert "cut at 64 tokens" in loaded(short).trace("I ate").notes[0]


def test_progress_hears_of_each_token_that_is_written_and_of_the_pass():
    model, heard = loaded(tiny_models.writer("llama")), []
    [trace] = model.trace_all([PROMPT], generate=3, progress=lambda *told: heard.append(told))
    written = len(trace["masked-self"].queries) - len(model.trace(PROMPT)["masked-self"].queries)
    assert heard[:-1] == [("tokens written", index, 3) for index in range(written + 1)]
    assert heard[-1] == ("tokens read", len(trace["masked-self"].queries), None)


def test_of_a_target_too():
    model, heard = loaded(tiny_models.build("t5")), []
    [trace] = model.trace_all([PROMPT], progress=lambda *told: heard.append(told))
    assert heard[0] == ("tokens written", 0, None)
    assert heard[-1] == ("tokens read", len(trace["self"].queries) + len(trace["masked-self"].queries), None)
