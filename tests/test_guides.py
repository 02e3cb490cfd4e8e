"""The guides for contributors: what they name exists."""

import builtins
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDES = ["ARCHITECTURE.md", "CONTRIBUTING.md", "BENCHMARKS.md"]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_file_that_a_guide_names_exists(guide: str) -> None:
    there = [path for folder in ("attnviz", "tests", "samples", "docs", ".ci") for path in (ROOT / folder).rglob("*")]
    paths = [f"/{path.relative_to(ROOT)}{'/' * path.is_dir()}" for path in [*there, *ROOT.glob("*"), ROOT / ".ci"]]
    names = [name for code in re.findall(r"`([^`]+)`", (ROOT / guide).read_text("utf-8")) for name in code.split()]
    files = [name for name in names if re.fullmatch(r"[\w./-]*(\.py|\.md|\.toml|/)", name)]
    assert files
    missing = [name for name in files if not any(path.endswith(f"/{name}") for path in paths)]
    assert missing == []


def test_functions_that_a_guide_names_exist() -> None:
    files = [
        path for folder in ("attnviz", "tests") for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".js")
    ]
    source = "\n".join(path.read_text("utf-8") for path in files)
    text = "".join((ROOT / guide).read_text("utf-8") for guide in GUIDES[:2])
    names = set(re.findall(r"`(?:[a-z]+\.)*([A-Z][A-Za-z]+|_?[A-Z]{4,}|[a-z]+_[a-z_]+)`", text))
    assert {"choose_head", "MEASURES", "Record"} <= names
    ours = {name for name in names if not hasattr(builtins, name) and not name.startswith("test_")}
    assert [name for name in sorted(ours) if not re.search(rf"\b{name}\b", source)] == []
