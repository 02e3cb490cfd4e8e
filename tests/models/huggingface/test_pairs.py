"""Sentence pairs: both texts in one trace, each in its segment."""

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from tokenizers import processors

import attnviz
from attnviz.attention import borders
from attnviz.errors import InputError
from attnviz.models.huggingface.model import HuggingFaceModel

FIRST, SECOND = "Which fruit did I eat?", "I ate an apple [SEP], 사과."


def paired(template: str, **marks: int) -> transformers.PreTrainedTokenizerFast:
    """The tiny WordPiece tokenizer with a template for pairs."""
    tokenizer = tiny_models.wordpiece()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=template, special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return tokenizer


@pytest.fixture(scope="module")
def minilm(minilm_folder):
    return HuggingFaceModel.load(minilm_folder)


def test_both_texts_are_read_as_the_tokenizer_puts_them_together(minilm, minilm_folder):
    trace = minilm.trace(FIRST, text_pair=SECOND)
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm_folder)
    model = transformers.AutoModel.from_pretrained(minilm_folder, attn_implementation="eager")
    inputs = tokenizer(FIRST, SECOND, return_tensors="pt")
    assert inputs["token_type_ids"].any()
    with torch.no_grad():
        expected = model(**inputs, output_attentions=True).attentions
        without = model(**{**inputs, "token_type_ids": inputs["token_type_ids"] * 0}, output_attentions=True).attentions
    attention = trace["self"]
    assert [token.id for token in attention.queries] == inputs["input_ids"][0].tolist()
    for layer in attention.layers:
        np.testing.assert_allclose(attention.weights(layer), expected[layer][0].numpy(), atol=1e-5)
    assert np.abs(attention.weights(5) - without[5][0].numpy()).max() > 1e-3, "the segments reach the model"


def test_the_spans_are_in_the_trace_s_text(minilm):
    trace = minilm.trace(FIRST, text_pair=SECOND)
    tokens = trace["self"].queries
    assert trace.text == f"{FIRST}\n{SECOND}"
    assert trace.provenance["text pair"] == SECOND
    [border] = borders(tokens)
    assert [token.text for token in tokens[:border]] == ["[CLS]", "Which", "fruit", "did", "I", "eat", "?", "[SEP]"]
    assert [token.segment for token in tokens] == [0] * border + [1] * (len(tokens) - border)
    ends = {len(FIRST): tokens[:border], len(trace.text): tokens[border:]}
    for end, side in ends.items():
        for token in side:
            if token.span:
                start = 0 if end == len(FIRST) else len(FIRST) + 1
                assert start <= token.span[0] < token.span[1] <= end
    assert [trace.text[slice(*token.span)] for token in tokens[border : border + 5]] == [
        "I",
        "ate",
        "an",
        "apple",
        "[SEP]",
    ]
    assert [token.word for token in tokens[border : border + 4]] == [6, 7, 8, 9]


def test_alone_the_first_text_has_the_same_tokens(minilm):
    alone = minilm.trace(FIRST)["self"].queries
    assert minilm.trace(FIRST, text_pair=SECOND)["self"].queries[: len(alone)] == alone


@pytest.mark.parametrize(
    ("template", "border"), [("<s> $A </s> </s> $B </s>", 6), ("$A </s> $B </s>", 4), ("<s> $A <s> $B", 5)]
)
def test_the_border_is_before_the_second_text_whatever_stands_between(template, border):
    trace = HuggingFaceModel.load(tiny_models.build("bert"), tokenizer=paired(template)).trace(
        "i ate an", text_pair="apple"
    )
    tokens = trace["self"].queries
    assert borders(tokens) == (border,)
    assert tokens[border].text[0] == "a"
    assert tokens[border].span[0] == len("i ate an\n")


def test_a_pair_can_be_by_words_and_saved(minilm, tmp_path):
    from attnviz.words import by_words

    trace = by_words(minilm.trace("그녀는 사과를", text_pair="사과를 먹었다"))
    assert [token.text for token in trace["self"].keys] == [
        "[CLS]",
        "그녀는",
        "사과를",
        "[SEP]",
        "사과를",
        "먹었다",
        "[SEP]",
    ]
    opened = attnviz.open(trace.save(tmp_path / "pair.safetensors"))
    assert opened["self"].queries == trace["self"].queries
    assert borders(opened["self"].queries) == (4,)


def test_an_encoder_decoder_reads_a_pair():
    tokenizer = paired("$A </s> $B </s>")
    trace = HuggingFaceModel.load(tiny_models.build("t5"), tokenizer=tokenizer).trace(
        "i ate", text_pair="an apple", target="she"
    )
    assert borders(trace["cross"].keys) == (3,)
    assert borders(trace["cross"].queries) == ()


@pytest.mark.parametrize("make", [tiny_models.tokenizer, tiny_models.wordpiece, tiny_models.unigram])
def test_a_model_that_reads_no_pairs_says_so(make):
    with pytest.raises(InputError, match="does not read pairs") as error:
        HuggingFaceModel.load(tiny_models.build("llama"), tokenizer=make()).trace("I ate", text_pair="an apple")
    assert "--text-pair" in error.value.hint


@pytest.mark.parametrize("text_pair", ["", "  "])
def test_an_empty_second_text_is_refused(minilm, text_pair):
    with pytest.raises(InputError, match="second text is empty"):
        minilm.trace(FIRST, text_pair=text_pair)


def test_a_second_text_without_a_token_is_refused(minilm):
    with pytest.raises(InputError, match="no token in one of the two texts"):
        minilm.trace(FIRST, text_pair="\u200b")
