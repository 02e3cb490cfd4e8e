"""A tiny model on disk, a copy to be damaged, and an empty cache of the Hub."""

import shutil
from pathlib import Path

import huggingface_hub
import pytest
import tiny_models


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Path:
    """A tiny BERT on disk."""
    return tiny_models.save("bert", tmp_path_factory.mktemp("models") / "whole")


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(whole, tmp_path / "copy")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the Hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
