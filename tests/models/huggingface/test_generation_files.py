"""A generation_config.json that transformers refuses, or that cannot be read: attention does not need it."""

import json

import pytest
import tiny_models
import transformers

import attnviz

TEXT = "She ate an apple."


def ids(trace: attnviz.Trace) -> list[int]:
    return [token.id for token in trace["masked-self"].queries]


def saved(kind: str, folder, content: str):
    """A tiny writer on disk, with that content of its generation_config.json."""
    made = tiny_models.build(kind) if kind in tiny_models.PAIRS else tiny_models.writer(kind)
    made.save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    (folder / "generation_config.json").write_text(content)
    return folder


def written_by(folder, kind: str) -> attnviz.Trace:
    return attnviz.trace(TEXT, folder, **({} if kind == "bart" else {"generate": 6}))


@pytest.mark.parametrize("kind", ["bart", "llama"])
def test_settings_of_a_file_that_transformers_refuses_are_still_used(kind, tmp_path):
    heeded = {"suppress_tokens": [*range(3, 200)], "max_length": 9}
    refused = saved(kind, tmp_path / "refused", json.dumps(heeded | {"num_return_sequences": 3, "to_dict": "x"}))
    with pytest.raises(ValueError, match="num_return_sequences"):
        transformers.GenerationConfig.from_pretrained(refused)
    expected = written_by(saved(kind, tmp_path / "plain", json.dumps(heeded)), kind)
    assert (
        ids(written_by(refused, kind)) == ids(expected) != ids(written_by(saved(kind, tmp_path / "bare", "{}"), kind))
    )
    assert not any("generation_config" in note for note in written_by(refused, kind).notes)


@pytest.mark.parametrize("content", ["[]", "[", "", "1", "[" * 100_000], ids=lambda content: repr(content)[:9])
@pytest.mark.parametrize("kind", ["bart", "llama"])
def test_a_note_names_a_file_that_cannot_be_read_when_the_model_writes(kind, content, tmp_path):
    folder = saved(kind, tmp_path / "broken", content)
    assert any("generation_config.json of " in note for note in written_by(folder, kind).notes)
    target = {"target": "나는"} if kind == "bart" else {}
    assert not any("generation_config" in note for note in attnviz.trace(TEXT, folder, **target).notes)
