"""How far the loading of a model has come."""

import subprocess
import sys

import transformers
from load_checks import refused
from safetensors.torch import load_file

import attnviz
from attnviz.models.huggingface.gguf import one_parse
from attnviz.models.huggingface.progress import telling


def test_every_weight_is_reported_and_the_hook_is_removed(whole):
    told = []
    attnviz.load(whole, progress=lambda *progress: told.append(progress))
    count = len(load_file(whole / "model.safetensors"))
    assert told[0] == ("weights", 0, count)
    assert told[-1] == ("weights", count, count)
    assert transformers.logging.set_tqdm_hook(None) is None


def test_the_hook_is_taken_out_when_loading_fails(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")
    refused(folder, progress=print)
    assert transformers.logging.set_tqdm_hook(None) is None


def test_of_two_bars_only_the_later_is_heard():
    told = []
    with telling(lambda *progress: told.append(progress)) as bar:
        first = bar(total=10, unit="B")
        second = bar(total=0, unit="B")
        second.total = 20
        bar(total=3, desc="Fetching 3 files").update(3)
        first.update(7)
        second.update(20)
        first.close()
        second.close()
    assert told[0] == ("bytes", 0, 10)
    assert told[1] == ("bytes", 0, None)
    assert set(told[2:]) == {("bytes", 20, 20)}


def test_the_weights_of_a_gguf_file_are_reported_like_others():
    from transformers import modeling_gguf_pytorch_utils as reading

    before = reading.tqdm
    with one_parse():
        assert reading.tqdm is transformers.logging.tqdm
    assert reading.tqdm is before


def test_importing_it_imports_no_torch():
    module = "attnviz.models.huggingface.loading"
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
