"""The command that traces a text again."""

from dataclasses import replace

import pytest
import tiny_models
from handmade_traces import decoder_only, encoder_decoder

import attnviz
from attnviz.attention import Trace
from attnviz.pooling import reduce_attention
from attnviz.retrace import NotKeptError, Retrace, format_names
from attnviz.selection import Selection


def again(trace: Trace) -> Retrace:
    return Retrace.of(trace, trace["masked-self"])


@pytest.mark.parametrize(
    ("provenance", "option"),
    [
        ({"chat": "hi", "generated": "is Paris"}, "--chat --generate 2"),
        ({"text pair": "it's"}, "--text-pair 'it'\"'\"'s'"),
        ({"merged": "tokens to words"}, "--words"),
        ({"source language": "fr_XX"}, "--source-language fr_XX"),
        ({"tokenizer": "my tokenizer"}, "--tokenizer 'my tokenizer'"),
    ],
)
def test_the_command_has_the_options_of_the_trace(provenance, option):
    trace = decoder_only(("The", "capital", "is", "Paris"))
    keys = tuple(replace(token, segment=int(index > 1)) for index, token in enumerate(trace["masked-self"].keys))
    one = replace(trace["masked-self"], queries=keys, keys=keys)
    made = replace(trace, model="a model", attentions=(one,), provenance=provenance)
    assert again(made).command == f"attnviz trace TEXT -m 'a model' {option}"


def test_a_target_is_named_if_the_model_did_not_generate_it():
    given = encoder_decoder()
    assert again(given).command.endswith(f"--target '{given.target}'")
    written = [
        replace(a, predicts=a.predicts and tuple(token and replace(token, generated=True) for token in a.predicts))
        for a in given.attentions
    ]
    assert "--target" not in again(replace(given, attentions=tuple(written))).command
    assert again(replace(given, model="builtin")).command.startswith("attnviz trace TEXT --target")


@pytest.mark.parametrize("saved", [False, True])
def test_there_is_no_command_for_a_model_that_was_in_memory(saved, tmp_path):
    trace = attnviz.trace(
        "I ate an apple and a pear", tiny_models.build("gpt2"), tokenizer=tiny_models.tokenizer(), cells=3
    )
    trace = attnviz.open(trace.save(tmp_path / "x.safetensors")) if saved else trace
    assert again(trace).command is None
    with pytest.raises(NotKeptError) as error:
        Selection.of(rows=[0, 1]).apply(trace)
    assert error.value.hint == "Its model was in memory. Trace the text again in Python, with rows 0-1"


def test_the_command_keeps_the_rows_that_the_trace_has():
    trace = decoder_only(("The", "capital", "is", "Paris"))
    whole = trace["masked-self"]
    part = replace(trace, attentions=(reduce_attention(whole, whole.rows[1:3], whole.columns),))
    assert (again(trace).rows, again(part).rows) == ("last:20", "1-2")
    assert again(trace).all_columns == "0-3"


def test_rows_are_written_as_the_option_reads_them():
    assert format_names((0, 1, 2, 7, "answer")) == "0-2,7,answer"
    assert format_names(None) == ""
