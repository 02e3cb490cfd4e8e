"""Tokenizers given by users: bare ones, processors, those that return tensors or too little, and wrong objects."""

import numpy as np
import pytest
import tiny_models
import tiny_tokenizers
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

import attnviz
from attnviz.errors import InputError, ModelError

TEXT = "She ate an apple."


def changed(change):
    """A tokenizer whose answers `change` sees first."""
    tokenizer = tiny_tokenizers.tokenizer("bert, uncased")

    class Changed(PreTrainedTokenizerFast):
        def __call__(self, *args, **kwargs):
            return change(super().__call__, args, kwargs)

    return Changed(tokenizer_object=tokenizer.backend_tokenizer, **tokenizer.special_tokens_map)


def without(*names):
    return lambda call, args, kwargs: {
        name: value for name, value in call(*args, **kwargs).items() if name not in names
    }


CHANGES = {
    "torch": lambda call, args, kwargs: call(*args, **kwargs, return_tensors="pt"),
    "numpy": lambda call, args, kwargs: call(*args, **kwargs, return_tensors="np"),
    "a batch": lambda call, args, kwargs: {name: [value] for name, value in call(*args, **kwargs).items()},
    "a tensor without a batch": lambda call, args, kwargs: {
        name: torch.tensor(value) for name, value in call(*args, **kwargs).items()
    },
    "no mask of special tokens": without("special_tokens_mask"),
    "no offsets": without("offset_mapping"),
    "neither, and no mask of padding": without("special_tokens_mask", "offset_mapping", "attention_mask"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("asked", [{}, {"text_pair": "He read a book."}], ids=["text", "pair"])
def test_whatever_form_its_answer_has_the_trace_is_the_same(change, asked):
    model = tiny_models.build("bert")
    expected = attnviz.trace(TEXT, model, tokenizer=tiny_tokenizers.tokenizer("bert, uncased"), **asked)
    found = attnviz.trace(TEXT, model, tokenizer=changed(CHANGES[change]), **asked)
    assert found["self"].queries == expected["self"].queries
    for layer in expected["self"].layers:
        np.testing.assert_array_equal(found["self"].weights(layer), expected["self"].weights(layer))


def test_a_tokenizer_of_the_package_tokenizers_is_taken_as_it_is():
    whole = tiny_tokenizers.tokenizer("bert, uncased")
    bare = whole.backend_tokenizer
    assert isinstance(bare, Tokenizer)
    model = tiny_models.build("bert")
    found, expected = (attnviz.trace("She ate 漢字", model, tokenizer=each) for each in (bare, whole))
    assert found["self"].queries == expected["self"].queries
    assert found.notes == expected.notes != ()


def test_of_a_processor_the_tokenizer_is_taken():
    class Processor:
        tokenizer = tiny_models.tokenizer()

        def __call__(self, *_):
            raise AssertionError

    model = tiny_models.build("bert")
    found, expected = (attnviz.trace(TEXT, model, tokenizer=each) for each in (Processor(), tiny_models.tokenizer()))
    assert found["self"].queries == expected["self"].queries


@pytest.mark.parametrize(
    "given", [len, 7, str.split, {"a": 1}, tiny_models.build("bert"), PreTrainedTokenizerFast], ids=str
)
def test_the_error_for_an_object_that_is_not_a_tokenizer_names_its_type(given, whole):
    for model in (tiny_models.build("bert"), whole):
        with pytest.raises(ModelError, match=f"the tokenizer is of type {type(given).__name__}") as error:
            attnviz.trace(TEXT, model, tokenizer=given)
        assert "AutoTokenizer.from_pretrained" in error.value.hint


@pytest.mark.parametrize("given", ["no-such/tokenizer", ""])
def test_a_name_that_names_no_tokenizer_is_refused(given, cache):
    with pytest.raises(ModelError):
        attnviz.trace(TEXT, tiny_models.build("bert"), tokenizer=given)


def test_ids_beyond_the_embeddings_are_refused_with_a_hint():
    tokenizer = tiny_models.tokenizer()
    with pytest.raises(InputError, match=r"the tokenizer gives the id \d+, and BertModel has 100 embeddings") as error:
        attnviz.trace(TEXT, tiny_models.build("bert", vocab_size=100), tokenizer=tokenizer)
    assert error.value.hint == "Is this the model's own tokenizer?"
    with pytest.raises(InputError, match="has 100 embeddings"):
        attnviz.trace(TEXT, tiny_models.build("bart", vocab_size=100), tokenizer=tokenizer, target="나는")
    attnviz.trace(TEXT, tiny_models.build("bert", vocab_size=len(tokenizer)), tokenizer=tokenizer)


def test_the_decoders_own_embeddings_are_asked_for_the_target():
    model = tiny_models.build("bart")
    model.model.decoder.embed_tokens = torch.nn.Embedding(100, 32)
    tokenizer = tiny_models.tokenizer()
    with pytest.raises(InputError, match="has 100 embeddings"):
        attnviz.trace(TEXT, model, tokenizer=tokenizer, target="나는 사과를")


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("builtin", "the tokenizer of the built-in model"),
        ("/no/such", "no such tokenizer: /no/such"),
        ("no-such", "cannot find the tokenizer no-such"),
        ("", "the name of the tokenizer is empty"),
        (__file__, "a tokenizer is named by its folder"),
    ],
)
def test_the_error_for_a_missing_tokenizer_does_not_call_it_a_model(named, says):
    with pytest.raises(ModelError, match=says) as error:
        attnviz.load(tiny_models.build("bert"), tokenizer=named)
    assert " the model " not in error.value.message
