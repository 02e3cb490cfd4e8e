"""The probe for retrieval heads: the model copies a sentence that is hidden in a text (the needle) into its answer."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from attnviz.analysis.probe import ProbedHead, ProbeResult, probed_heads
from attnviz.analysis.retrieval import chance_of_copying, copied_share
from attnviz.attention import Attention, Range, Trace
from attnviz.probes.decoder import Values, add, require_decoder
from attnviz.probes.sentences import sentences
from attnviz.selection import Selection

if TYPE_CHECKING:
    from attnviz.models.base import Model, Progress

LENGTHS = (100, 200, 400)
"""The numbers of tokens of other sentences around the needle."""
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The positions of the needle among them: 0 is the beginning, 1 the end."""
SAMPLES = len(LENGTHS) * len(DEPTHS)  # each length at each depth, once
THRESHOLD = 0.1
"""A head of at least this score is a retrieval head (Wu et al. 2024)."""
REPEATED = 0.5
"""An answer counts if it has more than this share of the needle's words, as in the paper."""
QUESTION = "{text}\n\nQuestion: What did {who} hide, and where?\nAnswer: The text says that"
BESIDE = 80
"""Room for the tokens of the needle, the question and the answer."""
MORE = 4
"""The tokens that an answer may have beyond those of the needle."""

WHO = ("Sandra", "Victor", "Helen", "Oscar", "Clara", "Martin")
WHAT = ("golden violin", "wooden mask", "glass pearl", "silver spoon", "paper crown")
WHERE = ("stone bridge", "apple tree", "church floor", "kitchen stairs")
CITY = ("Lisbon", "Vienna", "Oslo", "Cairo", "Dublin")


@dataclass(frozen=True)
class Sample:
    """A `prompt` with the `needle`, which is one of its sentences, and a question about it."""

    prompt: str
    needle: str

    def tokens(self, attention: Attention) -> Range:
        """The range of keys that cover the characters of the needle."""
        first = self.prompt.index(self.needle)
        last = first + len(self.needle)
        inside = [
            index
            for index, token in enumerate(attention.keys)
            if token.span and token.span[0] < last and token.span[1] > first
        ]
        return inside[0], inside[-1] + 1

    def is_repeated(self, trace: Trace) -> bool:
        """Whether the generated text has more than half of the needle's words: ROUGE-1 recall, as in the paper."""
        needle, answer = _words(self.needle), _words(trace.provenance["generated"])
        return (needle & answer).total() > REPEATED * needle.total()


def probe_retrieval(
    model: "Model",
    samples: int = SAMPLES,
    selection: Selection | None = None,
    progress: "Progress | None" = None,
) -> ProbeResult:
    """The retrieval score of each head of a decoder, after Wu et al. 2024, Retrieval Head Mechanistically Explains
    Long-Context Factuality.

    A sentence, the needle, is hidden in a text; a question asks for it, and the model writes an answer greedily. The
    number is `copied_share`. As in the paper, only answers count that have more than half of the needle's words. The
    paper uses up to 50,000 tokens of real text; here the needle stands at several depths in LENGTHS tokens of sentences
    of the built-in model's grammar, the same ones in every run. Only the rows that write the answer are captured.
    `progress` is called after each sample. Raises ModelError for a model that is not decoder-only, or has no
    language-model head.
    """
    decoder = require_decoder(model, max(LENGTHS) + BESIDE)
    rows = replace(selection or Selection(), rows=("answer",))
    values: Values = {}
    chances = []
    for number in range(samples):
        sample = sample_of(decoder, number)
        most = len(decoder.text_tokenizer.encode(sample.needle).ids) + MORE
        trace = decoder.trace(sample.prompt, rows, generate=most)
        if sample.is_repeated(trace):
            attention = trace["masked-self"]
            needle = sample.tokens(attention)
            scores = ((n, attention.heads(n), copied_share(attention, n, needle)) for n in attention.layers)
            add(values, scores)
            chances.append(chance_of_copying(attention, needle))
        if progress:
            progress("samples", number + 1, samples)
    heads = probed_heads(values)
    return ProbeResult(
        name="retrieval",
        model=model.name,
        measure="score",
        meaning="the share of a hidden sentence's tokens that the head copies into the answer, its largest weight on"
        " the token that is written next (Wu et al. 2024). The sentence is hidden among"
        f" {', '.join(map(str, LENGTHS[:-1]))} or {LENGTHS[-1]} tokens of sentences of the built-in model's grammar",
        heads=heads,
        baseline=float(np.mean(chances)) if chances else np.nan,
        baseline_name="a key chosen at random",
        samples=len(chances),
        tried=samples,
        remark=_remark(heads, len(chances), samples),
    )


def _remark(heads: Sequence[ProbedHead], repeated: int, samples: int) -> str:
    """How often the model repeated the needle, and how many of its heads are retrieval heads."""
    answers = f"The model repeated {repeated} of {samples} hidden sentences"
    if not repeated:
        return f"{answers}, so copying cannot be measured."
    found = sum(head.mean >= THRESHOLD for head in heads)
    return f"{answers}; {found} of {len(heads)} heads score {THRESHOLD} or more, and are retrieval heads."


def sample_of(model: Any, number: int) -> Sample:
    """The sample with that number, the same one in every run: its prompt is made here."""
    random = Random(number)
    who, what, where, city = (random.choice(some) for some in (WHO, WHAT, WHERE, CITY))
    needle = f"{who} hid a {what} under the {where} in {city}."
    length, depth = LENGTHS[number % len(LENGTHS)], DEPTHS[number % len(DEPTHS)]
    others = _others(model, random, length, [*what.split(), *where.split()])
    others.insert(round(depth * len(others)), needle)
    return Sample(QUESTION.format(text=" ".join(others), who=who), needle)


def _others(model: Any, random: Random, length: int, without: list[str]) -> list[str]:
    """Sentences of at least `length` tokens, without the words of `without`."""
    drawn = sentences(random, without)
    read: list[str] = []
    while len(read) < 2 or len(model.text_tokenizer.encode(" ".join(read)).ids) < length:
        read.append(next(drawn))
    return read


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))
