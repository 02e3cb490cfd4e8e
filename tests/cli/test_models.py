"""`attnviz models`: what can be loaded here."""

from pathlib import Path

import pytest
from commands import run

from attnviz.cli import models
from attnviz.scratch.store import shipped


def test_it_lists_every_way_to_name_a_model():
    done = run("models")
    assert (done.code, done.err) == (0, "")
    first = [line.split()[0] for line in done.out.splitlines()]
    assert [name for name in first if name in ("builtin", "NAME", "FOLDER", "FILE.gguf", "FILE.safetensors")] == [
        "builtin", "NAME", "FOLDER", "FILE.gguf", "FILE.safetensors",
    ]  # fmt: skip


def test_the_sizes_of_the_builtin_model_are_true():
    config = shipped().config
    sizes = f"{config.encoder_layers} + {config.decoder_layers} layers × {config.h} heads"
    assert sizes in run("models").out


@pytest.mark.parametrize("there", [True, False])
def test_it_says_whether_gguf_files_can_be_read(there, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: object() if there else None)
    assert ("pip install 'attnviz[gguf]'" in run("models").out) != there


def hub(folder: Path, *names: str) -> Path:
    """A Hub cache with those models, as huggingface_hub keeps it."""
    for name in names:
        repo = folder / f"models--{name.replace('/', '--')}"
        (repo / "blobs").mkdir(parents=True)
        (repo / "blobs" / "0").write_bytes(bytes(2000))
        snapshot = repo / "snapshots" / ("a" * 40)
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").symlink_to(repo / "blobs" / "0")
        (repo / "refs").mkdir()
        (repo / "refs" / "main").write_text("a" * 40)
    return folder


def test_models_of_the_cache_are_listed(tmp_path, monkeypatch):
    cache = hub(tmp_path, "org/second", "org/first")
    import huggingface_hub

    scan = huggingface_hub.scan_cache_dir
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", lambda: scan(cache))
    lines = [line for line in run("models").out.splitlines() if line.startswith("org/")]
    assert [line.split()[0] for line in lines] == ["org/first", "org/second"]
    assert all("in the Hugging Face cache, 2.0K" in line for line in lines)


def test_without_a_cache_the_rest_is_listed(monkeypatch, tmp_path):
    import huggingface_hub

    scan = huggingface_hub.scan_cache_dir
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", lambda: scan(tmp_path / "gone"))
    done = run("models")
    assert done.code == 0
    assert "cache" not in done.out
