"""Which room may import which, as in the table of ARCHITECTURE.md; and what a command imports, in a process."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import imported_modules
from handmade_traces import encoder_decoder

import attnviz

PACKAGE = Path(attnviz.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

ARCHITECTURE = PACKAGE.parent / "ARCHITECTURE.md"
_ROW = re.compile(r"^\| `(\w+)` \|(.*?)\| .+ \|$", re.MULTILINE)
EVERYWHERE = {"arguments", "errors", "files", "kinds"}
MAY_IMPORT: dict[str, set[str]] = {  # a room: the rooms that it may import; itself and EVERYWHERE go without saying
    room: set(re.findall(r"`(\w+)`", rooms)) for room, rooms in _ROW.findall(ARCHITECTURE.read_text("utf-8"))
}
_RUNS = ("models/huggingface/", "models/torch_module.py", "models/builtin_gradients.py")
HEAVY = {  # a package: the places that may import it
    "torch": ("scratch/muon.py", "scratch/train.py", "scratch/training_state.py", "capture/", *_RUNS),
    "array_api_compat": ("scratch/train.py", "models/builtin_gradients.py"),
    "transformers": ("capture/", *_RUNS),
    "matplotlib": ("render/picture/", "render/colour_maps.py"),
    "scipy": ("analysis/flow.py",),
    "typer": ("cli/",),
    "rich": ("cli/", "render/terminal/"),
    "msgspec": ("attention/trace_file.py", "attention/schema.py", "measured_roles.py", "batch/manifest.py"),
    "textual_image": ("cli/terminal_graphics.py",),
    "IPython": (),
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(source: str) -> Iterator[str]:
    """Every module that `source` imports, wherever in it that stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "__import__"):
            yield from (str(name.value) for name in node.args[:1] if isinstance(name, ast.Constant))


def rooms_of(source: str) -> set[str]:
    return {module.split(".")[1] for module in imports(source) if module.startswith("attnviz.")}


def allowed(name: str) -> set[str]:
    return MAY_IMPORT[name] | {name} | ({"errors"} if name in EVERYWHERE else EVERYWHERE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_above_it(path):
    assert rooms_of(path.read_text()) <= allowed(room(path))


@pytest.mark.parametrize("package", HEAVY)
def test_a_heavy_package_is_imported_only_where_it_belongs(package):
    importers = [
        str(path.relative_to(PACKAGE))
        for path in SOURCES
        if package in {module.split(".")[0] for module in imports(path.read_text())}
    ]
    assert [path for path in importers if not path.startswith(HEAVY[package])] == []
    assert bool(importers) == bool(HEAVY[package])


def test_pyplot_is_imported_only_for_a_figure_that_nobody_else_has_made():
    importers = [path.name for path in SOURCES if "pyplot" in " ".join(imports(path.read_text()))]
    assert importers == ["axes.py"]
    code = "import attnviz; from matplotlib.figure import Figure; "
    code += "attnviz.plot(attnviz.trace('I ate'), ax=Figure().add_subplot())"
    assert "matplotlib.pyplot" not in imported_modules(code)


@pytest.mark.parametrize(
    "source",
    [
        "from attnviz.cli import app",
        "import attnviz.cli.commands.plot",
        "from attnviz import cli",
        "import_module('attnviz.cli')",
        "def f():\n    if True:\n        from attnviz.cli.output import write",
    ],
)
def test_no_import_is_missed(source):
    assert rooms_of(source) == {"cli"}
    assert not rooms_of(source) <= allowed("render")


def test_every_room_is_in_the_table_and_no_two_import_each_other():
    assert {room(path) for path in SOURCES} == set(MAY_IMPORT)
    for name, above in MAY_IMPORT.items():
        assert [other for other in above - {name} if name in MAY_IMPORT[other]] == []


def loaded(code: str, **variables: str) -> set[str]:
    """The top-level packages that a fresh process has imported after `code`."""
    return {module.split(".")[0] for module in imported_modules(code, **variables)}


def command(*args: str) -> str:
    return f"sys.argv = {['attnviz', *args]!r}; from attnviz.cli import app; app()"


NEVER = {"torch", "transformers", "matplotlib", "array_api_compat", "tokenizers", "PIL", "IPython"}


def test_importing_attnviz_imports_no_heavy_package():
    assert not loaded("import attnviz; dir(attnviz)") & {*NEVER, "numpy", "rich", "typer", "safetensors"}


@pytest.mark.parametrize(
    "args",
    [
        *(["--help"], ["plot", "--help"], ["--version"], ["plot", "I ate an apple"], ["heads"]),
        *(["models", "builtin"], ["models", "builtin", "--words"]),
    ],
)
def test_a_command_imports_neither_torch_nor_matplotlib(args):
    assert not loaded(command(*args)) & NEVER


@pytest.mark.parametrize("args", [[], ["--kind", "cross", "--layer", "0"]])
def test_drawing_a_saved_trace_imports_no_model(args, tmp_path):
    path = encoder_decoder().save(tmp_path / "saved.safetensors")
    assert not loaded(command("plot", str(path), *args)) & NEVER


def test_a_picture_imports_matplotlib_but_not_torch(tmp_path):
    packages = loaded(command("plot", "I ate an apple", "-o", str(tmp_path / "a.png")))
    assert "matplotlib" in packages
    assert not packages & {"torch", "transformers"}


def test_tracing_from_python_imports_no_torch():
    assert not loaded("import attnviz; attnviz.trace('I ate an apple')") & {"torch", "transformers", "array_api_compat"}
