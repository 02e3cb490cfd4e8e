"""Names: from the cache without a network, and from the Hub."""

import fake_hub
import huggingface_hub
import pytest
import tiny_models
import transformers
from load_checks import TEXT, refused, same

import attnviz
from attnviz.models.huggingface.hub_cache import cached_models

CONFIG = ["config.json"]
TOKENIZER = ["tokenizer.json", "tokenizer_config.json"]


def test_a_name_is_loaded_from_the_cache_and_its_commit_recorded(whole, cache):
    fake_hub.put(cache, "org/tiny", list(whole.iterdir()))
    trace = attnviz.trace(TEXT, "org/tiny")
    assert (trace.model, trace.revision) == ("org/tiny", fake_hub.COMMIT)
    assert same(trace, attnviz.trace(TEXT, whole))


def test_a_revision_is_loaded_and_one_that_is_not_cached_lists_those_that_are(whole, cache, tmp_path):
    other = tiny_models.save("bert", tmp_path / "other", num_hidden_layers=1)
    fake_hub.put(cache, "org/tiny", list(whole.iterdir()))
    fake_hub.put(cache, "org/tiny", list(other.iterdir()), "v1", "d" * 40)
    for revision in ("v1", "d" * 40):
        trace = attnviz.trace(TEXT, "org/tiny", revision=revision)
        assert (trace["self"].layers, trace.revision) == ((0,), "d" * 40)
    error = refused("org/tiny", revision="v2")
    assert "revision v2 of org/tiny is not in the cache" in error.message
    assert all(name in error.hint for name in ("main", fake_hub.COMMIT, "v1", "d" * 40))


@pytest.mark.parametrize(
    ("asked", "near"),
    [("bert-base-uncase", "bert-base-uncased"), ("org/Tinny", "org/tiny"), ("tinny", "org/tiny")],
)
def test_a_name_that_is_not_cached_is_answered_with_near_ones(whole, cache, asked, near):
    for name in ("bert-base-uncased", "org/tiny"):
        fake_hub.put(cache, name, list(whole.iterdir()))
    error = refused(asked)
    assert error.message == (
        f"cannot find the model {asked}: it is not in the cache, and the Hugging Face Hub cannot be reached"
    )
    assert error.hint == f"In the cache: {near}."


def test_near_names_of_folders_and_files_are_shown_too(whole, cache, folder, monkeypatch):
    (folder.parent / "model.gguf").touch()
    monkeypatch.chdir(folder.parent)
    assert refused("copi").hint == "Here: copy."
    assert refused("./copi").hint == "Here: copy."
    assert refused(folder.parent / "modell.gguf").hint == f"Here: {folder.parent / 'model.gguf'}."
    assert "attnviz models" in refused("nothing-like-it").hint


@pytest.mark.parametrize(
    ("there", "lacks"),
    [
        (CONFIG, "weights"),
        ([*CONFIG, *TOKENIZER], "weights"),
        (TOKENIZER, "configuration"),
        ([*CONFIG, "model.safetensors"], "has no tokenizer"),
    ],
)
def test_the_error_for_a_partly_cached_model_says_what_is_missing(whole, cache, there, lacks):
    fake_hub.put(cache, "org/part", [whole / name for name in there])
    message = refused("org/part").message
    assert lacks in message
    assert "org/part" in message


def test_the_cache_is_read_as_it_is(whole, cache):
    assert cached_models() == []
    fake_hub.put(cache, "org/b", [whole / "config.json"])
    fake_hub.put(cache, "a", list(whole.iterdir()), "v1")
    first, second = cached_models()
    assert (first.name, first.revisions, first.has_weights) == ("a", ("v1", fake_hub.COMMIT), True)
    assert (second.name, second.revisions, second.has_weights) == ("org/b", ("main", fake_hub.COMMIT), False)


@pytest.fixture
def online(whole, cache, monkeypatch):
    """A Hub that has org/tiny."""
    with fake_hub.serving({"org/tiny": whole}) as address:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(transformers.utils.hub, "_hf_api", None)
        yield


def test_a_download_reports_its_bytes_and_is_available_offline_afterwards(online, whole, monkeypatch, capfd):
    told = []
    attnviz.load("org/tiny", progress=lambda *progress: told.append(progress))
    size = (whole / "model.safetensors").stat().st_size
    assert ("bytes", 0, size) in told
    assert ("bytes", size, size) in told
    assert [what for what, _, _ in told] == sorted(what for what, _, _ in told), "weights come after bytes"
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert attnviz.trace(TEXT, "org/tiny").revision == fake_hub.COMMIT


def test_the_error_repeats_the_reason_of_the_hub(online, whole, cache):
    fake_hub.put(cache, "org/tinny", list(whole.iterdir()))
    error = refused("org/tini")
    assert "the Hugging Face Hub has no public model of that name" in error.message
    assert "org/tinny" in error.hint
    assert "hf auth login" in error.hint
    assert refused("org/tiny", revision="v9").message == "org/tiny has no revision v9"
    assert "hf auth login" in refused("gated/tiny").hint
