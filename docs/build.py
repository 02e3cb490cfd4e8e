"""Build the pages of README.md's tour and of the public API, from its docstrings: `python docs/build.py [FOLDER]`."""

import shutil
import sys
from pathlib import Path

import pdoc

import attnviz

ROOT = Path(__file__).parent.parent


def build(folder: Path) -> None:
    """Write the pages into `folder`, with the pictures that README.md shows."""
    attnviz.__doc__ = (ROOT / "README.md").read_text("utf-8")
    attnviz.__all__ = sorted(attnviz.__all__, key=_order)
    pdoc.render.configure(docformat="markdown", search=True)
    pdoc.pdoc("attnviz", output_directory=folder)
    shutil.copytree(ROOT / "samples", folder / "samples", dirs_exist_ok=True)


def _order(name: str) -> tuple[bool, bool]:
    """Where a public name stands on the page: functions first, errors last."""
    public = getattr(attnviz, name)
    return isinstance(public, type), isinstance(public, type) and issubclass(public, Exception)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "site")
