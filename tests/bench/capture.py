"""What a captured forward pass costs beside a plain one: `python tests/bench/capture.py [TOKENS]`, on one thread.

A model with SmolLM2's sizes (30 layers of 9 heads) and random weights reads TOKENS tokens, in one process for each
case: plain sdpa without capture; all heads, pooled to 512 cells a side; one layer; and, for comparison, eager attention
with `output_attentions`. Times are the best of some passes, as ratios to plain; memory is the growth of the process's
peak during them. `--device cuda --dtype bfloat16` runs it on a GPU.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

WAYS = {
    "plain": "sdpa, nothing captured",
    "all": "all 270 heads, pooled to 512 cells",
    "layer": "one layer, pooled to 512 cells",
    "eager": "eager, output_attentions=True",
}
PASSES = 3
SIZES = {
    "vocab_size": 49_152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
}


def measured(way: str, tokens: int, device: str, dtype: str) -> dict[str, float]:
    """The seconds of the best pass, and the growth of peak memory in gigabytes."""
    import torch
    from transformers import LlamaConfig, LlamaModel

    from attnviz.capture import capture
    from attnviz.pooling import layout
    from attnviz.selection import Selection

    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.device(device):
        model = LlamaModel(LlamaConfig(**SIZES, max_position_embeddings=tokens)).to(getattr(torch, dtype)).eval()
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 40_000, (1, tokens), generator=generator).to(model.device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    asked, cells = {"all": Selection(), "layer": Selection(layers=(7,))}, layout(tokens, None, 512)
    if way == "eager":
        model.set_attn_implementation("eager")

    def run() -> None:
        if way in asked:
            capture(model, inputs, asked[way], layouts={"masked-self": (cells, cells)})
        else:
            with torch.inference_mode():
                model(**inputs, use_cache=False, output_attentions=way == "eager")
        if model.device.type == "cuda":
            torch.cuda.synchronize()

    short = {name: tensor[:, :8] for name, tensor in inputs.items()}
    with torch.inference_mode():
        model(**short, use_cache=False)
    before = peak(model.device.type)
    seconds = []
    for _ in range(1 if tokens > 4000 and device == "cpu" else PASSES):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    total = peak(model.device.type)
    return {"seconds": min(seconds), "grew": total - before, "total": total}


def peak(device: str) -> float:
    """The peak memory of this process, or of its GPU, in gigabytes."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokens", type=int, nargs="?", default=2048)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(asked.one, asked.tokens, asked.device, asked.dtype)))
        return
    found = {}
    for way in asked.ways.split(","):
        command = [sys.executable, __file__, *sys.argv[1:], "--one", way]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"{WAYS[way]}: failed: {done.stderr.strip().splitlines()[-1:]}")
        else:
            found[way] = json.loads(done.stdout)
    plain = found["plain"]
    print(f"{asked.tokens} tokens, {asked.dtype}, {asked.device}; plain: {plain['seconds']:.2f} s")
    print(f"{'way':34} {'time':>7} {'memory beside plain':>20} {'whole process':>14}")
    for way, result in found.items():
        ratio, more = result["seconds"] / plain["seconds"], result["grew"] - plain["grew"]
        print(f"{WAYS[way]:34} {ratio:6.2f}× {more:+17.2f} GB {result['total']:11.2f} GB")


if __name__ == "__main__":
    main()
