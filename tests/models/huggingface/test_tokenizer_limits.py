"""A tokenizer that hangs, panics or swells is a clear error, and nothing of a panic reaches stderr."""

import os
import time

import pytest
import tiny_models
from load_checks import change
from tokenizers import Regex, normalizers, pre_tokenizers

import attnviz
from attnviz.errors import InputError, ModelError
from attnviz.models.huggingface import tokenizer_limits as bounds
from attnviz.models.huggingface.model import HuggingFaceModel
from attnviz.models.huggingface.tokenizer_limits import with_limits

EXPLODING = "(a+)+$"
TEXT = "a" * 30 + "b"


@pytest.fixture
def tokenizer():
    return tiny_models.tokenizer()


def test_a_result_in_time_is_returned_unchanged():
    assert with_limits(lambda: [1, 2], 2) == [1, 2]
    for error in (KeyError("a"), TimeoutError("its own"), InputError("empty")):
        with pytest.raises(type(error)) as raised:
            with_limits(lambda error=error: (_ for _ in ()).throw(error), 0)
        assert raised.value is error


def test_a_tokenizer_that_does_not_end_is_an_error_after_its_time(monkeypatch):
    monkeypatch.setattr(bounds, "_SECONDS", 0.1)
    start = time.monotonic()
    with pytest.raises(ModelError, match="does not end within"):
        with_limits(lambda: time.sleep(3), 0)
    assert time.monotonic() - start < 2


def test_a_long_text_has_more_time(monkeypatch):
    monkeypatch.setattr(bounds, "_SECONDS", 0.05)
    assert with_limits(lambda: time.sleep(0.3) or 7, 10_000) == 7


@pytest.mark.parametrize("place", ["pre_tokenizer", "normalizer"])
def test_a_panic_is_an_error_and_its_backtrace_is_kept_off_stderr(tokenizer, place, capfd, monkeypatch):
    parts = {
        "pre_tokenizer": pre_tokenizers.Split(Regex(EXPLODING), "isolated"),
        "normalizer": normalizers.Replace(Regex(EXPLODING), ""),
    }
    setattr(tokenizer.backend_tokenizer, place, parts[place])
    model = HuggingFaceModel.load(tiny_models.build("bert"), tokenizer=tokenizer)
    capfd.readouterr()
    with pytest.raises(ModelError, match=r"the tokenizer fails on this text: .*retry-limit-in-match"):
        model.trace(TEXT)
    assert capfd.readouterr().err == ""


def test_other_output_in_the_meantime_is_not_lost(capfd):
    with_limits(lambda: os.write(2, b"from another thread\n"), 0)
    assert capfd.readouterr().err == "from another thread\n"


@pytest.mark.parametrize("part", ["normalizer", "decoder"])
def test_a_tokenizer_that_swells_is_refused_before_it_reads(part, folder):
    doubling = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    inside = {"type": "Sequence", f"{part}s": [doubling] * 40}
    change(folder, **{part: inside})
    with pytest.raises(ModelError, match=rf"the {part} of the tokenizer of .* makes a text 1099511627776 times"):
        attnviz.load(folder)


def test_a_tokenizer_that_writes_a_sign_for_a_space_does_not_swell(folder):
    change(folder, normalizer={"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"})
    attnviz.load(folder)


@pytest.mark.parametrize("length", ["abc", -5, 0, [5], True, float("nan")], ids=str)
def test_an_invalid_length_is_refused(length, folder):
    change(folder, "tokenizer_config.json", model_max_length=length)
    with pytest.raises(ModelError, match=r"model_max_length .*not a length"):
        attnviz.load(folder)


@pytest.mark.parametrize("length", [10**30, 1e30, None, 1])
def test_a_large_or_missing_length_is_accepted(length, folder, whole):
    change(folder, "tokenizer_config.json", model_max_length=length)
    assert attnviz.trace("I ate", folder)["self"].queries == attnviz.trace("I ate", whole)["self"].queries
