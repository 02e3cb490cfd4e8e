"""Words that a model does not know are named in a note, for every model and in every output."""

import pytest
import tiny_models
import tiny_tokenizers
import transformers

import attnviz
from attnviz.attention.trace_file import open_trace
from attnviz.models.unknown_words import unknown_note

UNKNOWN = "She 漢字 ate 漢字 an 語"


@pytest.mark.parametrize("name", ["bert, uncased", "bert, cased", "t5", "pieces in Python"])
def test_every_unknown_word_is_named_once_and_each_token_counted(name):
    tokenizer = tiny_tokenizers.tokenizer(name)
    trace = attnviz.trace(UNKNOWN, tiny_models.build("bert"), tokenizer=tokenizer)
    ids = tokenizer(UNKNOWN)["input_ids"]
    unknown = ids.count(tokenizer.unk_token_id)
    [note] = trace.notes
    assert note.startswith("outside BertModel's vocabulary: 漢")
    assert note.count("漢") == 1
    assert "語" in note
    plain = sum(not token.special for token in trace["self"].queries)
    assert note.endswith(f"({unknown} of the {plain} tokens of the text)")


@pytest.mark.parametrize("name", ["gpt2", "llama2", "byt5", "pieces and bytes in Python"])
def test_a_tokenizer_that_spells_unknown_words_has_no_unknown_words(name):
    model = tiny_models.build("bert", vocab_size=500)
    assert attnviz.trace(UNKNOWN, model, tokenizer=tiny_tokenizers.tokenizer(name)).notes == ()


def test_text_within_the_vocabulary_has_no_note():
    tokenizer = tiny_tokenizers.tokenizer("bert, uncased")
    assert attnviz.trace("She ate an apple.", tiny_models.build("bert"), tokenizer=tokenizer).notes == ()


def test_unknown_words_of_a_target_are_noted_too():
    tokenizer = tiny_tokenizers.tokenizer("t5")
    trace = attnviz.trace("She ate", tiny_models.build("bart"), tokenizer=tokenizer, target="She 漢 ate")
    assert [note for note in trace.notes if "漢" in note and "of the target" in note] == list(trace.notes)
    built_in = attnviz.trace("I ate an apple", target="나는 xyzzy 먹었다")
    assert built_in.notes[0].startswith("outside the built-in model's vocabulary: xyzzy (1 of 3 words);")


def test_the_note_is_in_a_saved_trace(tmp_path):
    trace = attnviz.trace(UNKNOWN, tiny_models.build("bert"), tokenizer=tiny_tokenizers.tokenizer("bert, uncased"))
    trace.save(tmp_path / "t.safetensors")
    assert open_trace(tmp_path / "t.safetensors").notes == trace.notes


def test_of_many_unknown_words_the_first_are_named_and_the_others_counted():
    [note] = unknown_note([f"w{number}" for number in range(40)], "50 words", "its")
    assert (
        note
        == f"outside its vocabulary: {', '.join(f'w{number}' for number in range(12))} and 28 more (40 of 50 words)"
    )
    assert unknown_note([], "3 words", "its") == ()


@pytest.mark.parametrize(("rows", "is_said"), [(1.0, False), (1.09, False), (0.6, True), (3, True)])
def test_a_tokenizer_of_another_size_than_the_embeddings_is_noted(rows, is_said):
    from attnviz.models.huggingface.vocabulary import size_note

    config = transformers.BertConfig(
        vocab_size=int(rows * 10_000), hidden_size=4, num_hidden_layers=1, num_attention_heads=1
    )
    notes = size_note(transformers.BertModel(config), 10_000, "clf")
    assert any("10,000 tokens, and clf" in note for note in notes) == is_said
