"""The file of a training that was interrupted: what is no such file, or of another training, is an error and stays."""

import json
import pickle
import zipfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from attnviz.errors import FileError
from attnviz.scratch.store import Checkpoint
from attnviz.scratch.train import Recipe, checkpoint_file, train
from attnviz.scratch.training_state import METADATA
from attnviz.scratch.vocabulary import make_tokenizer

TOKENIZER = make_tokenizer()
RECIPE = Recipe(steps=2, batch=4, warmup=1)


def trained(folder, recipe=RECIPE, seed=0) -> Checkpoint:
    return train(TOKENIZER, recipe, seed, folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The file of a training of two steps."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnviz.scratch.train.SAVE_EVERY", 1)
        trained(folder)
    return checkpoint_file(folder, 0).read_bytes()


def refusal(folder, content: bytes, **other) -> str:
    """Why a training cannot go on from `content`, which stays as it is."""
    file = checkpoint_file(folder, other.get("seed", 0))
    file.write_bytes(content)
    with pytest.raises(FileError) as caught:
        trained(folder, **other)
    assert file.read_bytes() == content
    assert caught.value.message.startswith(str(file))
    assert "another folder with -o" in caught.value.hint
    return caught.value.message


class Dangerous:
    """What would write a file if it were unpickled."""

    def __reduce__(self):
        return open, ("/tmp/unpickled", "w")


def zipped(folder) -> bytes:
    with zipfile.ZipFile(folder / "a.zip", "w") as file:
        file.writestr("a/data.pkl", pickle.dumps(Dangerous()))
    return (folder / "a.zip").read_bytes()


def of_torch(folder) -> bytes:
    torch.save({"step": 2, "made by": {}}, folder / "a.pt")
    return (folder / "a.pt").read_bytes()


def with_metadata(folder, metadata) -> bytes:
    save_file({"E": torch.zeros(3)}, folder / "a.safetensors", metadata=metadata)
    return (folder / "a.safetensors").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        lambda folder: b"",
        lambda folder: b"garbage",
        lambda folder: bytes(100),
        lambda folder: pickle.dumps(Dangerous()),
        zipped,
        of_torch,
        lambda folder: with_metadata(folder, None),
        *(
            lambda folder, header=header: with_metadata(folder, {METADATA: header})
            for header in ("", "[", "null", "[]", "{}", '{"step": "2", "made by": {}}', '{"step": -1, "made by": {}}',
                           '{"step": 1, "made by": 3}', "[" * 100_000)
        ),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused_unread(content, tmp_path):
    assert "is no checkpoint of attnviz train, or a damaged one" in refusal(tmp_path, content(tmp_path))


@pytest.mark.parametrize("length", [7, 100, 10_000, -1])
def test_one_that_is_cut_off_is_refused(length, whole, tmp_path):
    assert "is no checkpoint" in refusal(tmp_path, whole[:length])


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("E", lambda x: x[1:], "E is torch.float32"),
        ("E", lambda x: x.half(), "E is torch.float16"),
        ("encoder.0.self.W_Q", lambda x: x * torch.nan, "a number of encoder.0.self.W_Q is not finite"),
        ("E.exp_avg", lambda x: x / 0, "a number of E.exp_avg is not finite"),
        ("E.exp_avg_sq", None, "E.exp_avg_sq"),
    ],
)
def test_one_with_a_damaged_tensor_is_refused_by_its_name(name, change, says, whole, tmp_path):
    (tmp_path / "a").write_bytes(whole)
    tensors = load_file(tmp_path / "a")
    tensor = tensors.pop(name)
    if change is not None:
        tensors[name] = change(tensor).contiguous()
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    save_file(tensors, tmp_path / "a", metadata=header["__metadata__"])
    assert says in refusal(tmp_path, (tmp_path / "a").read_bytes())


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"recipe": replace(RECIPE, steps=9)}, "is of another training (steps 2, here 9), and would be overwritten"),
        (
            {"recipe": replace(RECIPE, peak=0.5, batch=8)},
            "another training (batch 4, here 8; peak 0.002, here 0.5), and",
        ),
        ({"seed": 1}, "is of another training (seed 0, here 1), and"),
    ],
)
def test_one_of_another_training_is_refused_by_what_differs(other, says, whole, tmp_path):
    assert says in refusal(tmp_path, whole, **other)


def test_one_of_another_corpus_is_refused(whole, tmp_path, monkeypatch):
    monkeypatch.setattr("attnviz.scratch.train.training_examples", lambda random: iter(()))
    assert "is of another training (data " in refusal(tmp_path, whole)
