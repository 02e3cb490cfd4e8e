"""One step of attention told in eight stages: what is drawn of each, and what is said, in English or Korean."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.analysis.attention_step import AttentionStep, Numbers
from attnviz.attention import Attention, Trace
from attnviz.attention.projections import MASK
from attnviz.head_names import head_name
from attnviz.labels import visible
from attnviz.render.explanation_texts import Language, say
from attnviz.render.scene import row_label

MOST = 12
"""The most keys that are shown; of more, those with the largest weights, and the query's own."""
MARKED = 3
"""So many dimensions are named that add the most to a product."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A vector `[d]`, drawn as a strip of colours. `marked` are the dimensions that matter most."""

    label: str
    vector: Numbers
    marked: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class NumberRow:
    """A number for each key, `[key]`."""

    label: str
    numbers: Numbers
    are_weights: bool = False


@dataclass(frozen=True, eq=False)
class Columns:
    """The keys that rows of numbers have: their places, their labels, and what is said of those that are not shown."""

    keys: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    rest: str = ""


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage: its equation, the shapes in it, a sentence, and the strips and rows of numbers that it makes."""

    title: str
    equation: str
    shapes: str
    sentence: str
    strips: tuple[Strip, ...] = ()
    rows: tuple[NumberRow, ...] = ()
    columns: Columns = Columns()


@dataclass(frozen=True, eq=False)
class Explanation:
    """Stages in their order, with a title above and a caption below."""

    title: str
    caption: str
    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()


def explain_step(trace: Trace, step: AttentionStep, title: str, language: Language = "en") -> Explanation:
    """The step in words and numbers, in eight stages. `title` is that of the text."""
    caption = caption_of(trace, step.attention, (step.layer, step.head), step.query, language)
    return Explanation(title, caption, tuple(_Teller(step, language).stages()), trace.notes)


def explain_heads(trace: Trace, step: AttentionStep, title: str, language: Language = "en") -> Explanation:
    """The weights of the same query in all captured heads of the layer, and their mean, as one stage."""
    a, teller = step.attention, _Teller(step, language)
    weights = a.weights(step.layer)[:, step.query].astype(np.float64)
    mean = weights.mean(0)
    rows = [
        NumberRow(head_name(step.layer, head), row, are_weights=True)
        for head, row in zip(a.heads(step.layer), weights, strict=True)
    ]
    rows.append(NumberRow(say("mean", language), mean, are_weights=True))
    top = int(mean.argmax())
    count = int((weights.argmax(-1) == top).sum())
    sentence = say("heads", language, count=count, heads=len(weights), top=teller.label(top))
    stage = Stage(
        say("every head", language, layer=step.layer),
        "head_i = softmax(q_i K_iᵀ / √d_k) V_i",
        f"[{len(weights)} × {len(mean)}]",
        sentence,
        rows=tuple(rows),
        columns=teller.columns(mean),
    )
    caption = f"{a.name} · L{step.layer} · {trace.model} · {say('query', language)}: {query_label(a, step.query)}"
    return Explanation(title, caption, (stage,), trace.notes)


def explain_kinds(trace: Trace, title: str, language: Language = "en") -> Explanation:
    """For each kind that the model has: where its queries and keys come from, and which keys each query may see."""
    stages = []
    for a in trace.attentions:
        hidden = np.where(allowed_pairs(a), 0.0, -np.inf)
        keys = tuple(range(min(len(a.columns), MOST)))
        labels = tuple(visible(a.keys[a.columns[key][0]].text) for key in keys)
        rows = tuple(NumberRow(query_label(a, query), hidden[query]) for query in range(min(len(a.rows), MOST)))
        shapes = f"S [{len(a.rows)} × {len(a.columns)}]"
        stages.append(Stage(a.name, "S + mask", shapes, say(a.kind, language), (), rows, Columns(keys, labels)))
    return Explanation(title, trace.model, tuple(stages), trace.notes)


def caption_of(trace: Trace, a: Attention, head: tuple[int, int], query: int, language: Language) -> str:
    """`self-attention · L3H2 · builtin · query: ate`."""
    return f"{a.name} · {head_name(*head)} · {trace.model} · {say('query', language)}: {query_label(a, query)}"


def query_label(a: Attention, query: int) -> str:
    """The row as its heatmap names it: `ate`, or `is → Paris` in a decoder."""
    token = a.rows[query][0]
    return row_label(a.queries[token], a.predicts[token] if a.predicts else None)


def most_looked_at(weights: Numbers, own: int) -> tuple[int, ...]:
    """All keys, or the MOST with the largest weights, `own` among them, in the order of the text."""
    if len(weights) <= MOST:
        return tuple(range(len(weights)))
    first = [own, *(key for key in np.argsort(-weights, kind="stable").tolist() if key != own)]
    return tuple(sorted(first[:MOST]))


def rest_of(weights: Numbers, keys: Sequence[int], language: Language) -> str:
    """How much the keys get that are not shown; "" where all are."""
    count = len(weights) - len(keys)
    if not count:
        return ""
    return say("others", language, count=count, weight=f"{weights.sum() - weights[list(keys)].sum():.3f}")


@dataclass(frozen=True, eq=False)
class _Teller:
    """Tells a step."""

    step: AttentionStep
    language: Language

    def columns(self, weights: Numbers) -> Columns:
        """The keys with the largest of these weights, as rows of numbers have them."""
        step = self.step
        keys = most_looked_at(weights, step.query if step.attention.kind != "cross" else step.top)
        return Columns(keys, tuple(map(self.label, keys)), rest_of(weights, keys, self.language))

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys that are shown."""
        return self._columns.keys

    @cached_property
    def _columns(self) -> Columns:
        return self.columns(self.step.weights)

    def stages(self) -> Iterator[Stage]:
        """The eight stages, in their order."""
        yield self._vectors()
        yield self._projected()
        yield self._dots()
        yield self._scaled()
        yield self._masked()
        yield self._softmax()
        yield self._values()
        yield self._output()

    def label(self, key: int) -> str:
        """A key as a reader sees it."""
        a = self.step.attention
        return visible(a.keys[a.columns[key][0]].text)

    def _say(self, key: str, /, **values: object) -> str:
        return say(key, self.language, **values)

    def _vectors(self) -> Stage:
        step, word = self.step, query_label(self.step.attention, self.step.query)
        if step.read is None:
            return Stage(self._say("vectors"), "", "", self._say("unread"))
        is_first = step.layer == 0 and step.attention.kind != "cross"
        sentence = self._say("embedded" if is_first else "made", word=word, d=len(step.read))
        shapes = f"x [{len(step.read)}]"
        equation = "x = E[word] + position" if is_first else ""
        return Stage(self._say("vectors"), equation, shapes, sentence, (Strip(f"x  {word}", step.read),))

    def _projected(self) -> Stage:
        step, d_k = self.step, len(self.step.query_vector)
        sentence = self._say("asks")
        if step.is_rotated:
            sentence += " " + self._say("rotated")
        if len(step.heads_of_keys) > 1:
            sentence += " " + self._say("grouped", heads=", ".join(map(str, step.heads_of_keys)))
        marked = self._marked()
        query = Strip(f"q  {query_label(step.attention, step.query)}", step.query_vector, marked)
        keys = (Strip(f"k  {self.label(key)}", step.keys[key], marked) for key in self.keys)
        shapes = f"q [{d_k}]  K [{len(step.keys)} × {d_k}]"
        return Stage(self._say("projected"), "q = x W_Q    k_j = y_j W_K", shapes, sentence, (query, *keys))

    def _marked(self) -> tuple[int, ...]:
        """The dimensions that add the most to the product with the key that gets the most."""
        return tuple(np.argsort(-self.step.products[self.step.top], kind="stable")[:MARKED].tolist())

    def _dots(self) -> Stage:
        step = self.step
        dims = ", ".join(map(str, self._marked()))
        sentence = self._say("multiplied", key=self.label(step.top), dims=dims)
        strips = tuple(Strip(f"q·k  {self.label(key)}", step.products[key], self._marked()) for key in self.keys)
        row = NumberRow("q · k", step.dots)
        return Stage(
            self._say("dots"), "q · k_j = Σ_i q_i k_ji", f"[{len(step.dots)}]", sentence, strips, (row,), self._columns
        )

    def _scaled(self) -> Stage:
        step, d_k = self.step, len(self.step.query_vector)
        is_usual = np.isclose(step.scale, d_k**-0.5)
        values = {"d_k": d_k, "root": f"{d_k**0.5:.2f}", "scale": f"{step.scale:.4g}", "usual": f"{d_k**-0.5:.4g}"}
        sentence = self._say("by_root" if is_usual else "by_other", **values)
        equation = "q · k_j / √d_k" if is_usual else f"{step.scale:.4g} · q · k_j"
        if step.softcap is not None:
            sentence += " " + self._say("capped", cap=f"{step.softcap:g}")
            equation = f"{step.softcap:g} · tanh({equation} / {step.softcap:g})"
        row = NumberRow(f"÷ √{d_k}" if is_usual else f"× {step.scale:.3g}", step.scaled)
        return Stage(self._say("scaled"), equation, f"[{len(step.scaled)}]", sentence, (), (row,), self._columns)

    def _masked(self) -> Stage:
        step, a = self.step, self.step.attention
        said = [self._say(name) for name in step.terms if name != MASK]
        rows = [NumberRow(f"+ {name}", term) for name, term in step.terms.items()]
        if not step.hidden.any():
            said.append(self._say("nothing", keys=self._say("source" if a.kind == "cross" else "text")))
        elif a.kind == "masked-self" and not step.hidden[: step.query].any():
            said.append(self._say("later"))
        else:
            said.append(self._say("window"))
        equation = " + ".join(["s_j = …", *step.terms]) if step.terms else "s_j = …"
        row = NumberRow("s", step.scores)
        return Stage(
            self._say("masked"), equation, f"[{len(step.scores)}]", " ".join(said), (), (*rows, row), self._columns
        )

    def _softmax(self) -> Stage:
        step = self.step
        seen = int((~step.hidden).sum())
        sentence = self._say(
            "shared",
            sum=f"{step.weights.sum():.3g}",
            top=self.label(step.top),
            weight=f"{step.weights[step.top]:.3f}",
            uniform=f"{1 / max(seen, 1):.3f}",
        )
        if step.sink:
            sentence += " " + self._say("sink", sink=f"{step.sink:.3f}")
        row = NumberRow("a", step.weights, are_weights=True)
        return Stage(
            self._say("softmax"),
            "a_j = exp(s_j) / Σ exp(s)",
            f"[{len(step.weights)}]",
            sentence,
            (),
            (row,),
            self._columns,
        )

    def _values(self) -> Stage:
        step = self.step
        each = (Strip(f"{step.weights[key]:.2f} v  {self.label(key)}", step.weighted[key]) for key in self.keys)
        m, d_v = step.values.shape
        strips = (*each, Strip("z", step.result))
        return Stage(self._say("values"), "z = Σ_j a_j v_j", f"V [{m} × {d_v}]  z [{d_v}]", self._say("mixed"), strips)

    def _output(self) -> Stage:
        step = self.step
        if step.added is None or step.lengths is None:
            return Stage(self._say("output"), "z W_O", "", self._say("unadded"))
        length = np.linalg.norm(step.added)
        place = int((step.lengths > length + 1e-9).sum())
        rank = self._say("longest") if not place else self._say("place", n=place + 1)
        values = {"d_v": len(step.result), "d": len(step.added), "length": f"{length:.2f}", "rank": rank}
        sentence = self._say("adds", heads=len(step.lengths), **values)
        shapes = f"W_O [{len(step.result)} × {len(step.added)}]"
        return Stage(self._say("output"), "z W_O", shapes, sentence, (Strip("z W_O", step.added),))


def binned(vector: Numbers, bins: int) -> Numbers:
    """A vector in at most `bins` parts of equal size but for the last: the mean of each."""
    size = bin_size(len(vector), bins)
    return np.array([vector[start : start + size].mean() for start in range(0, len(vector), size)])


def bin_size(length: int, bins: int) -> int:
    """How many numbers of a vector of this length share one of so many cells."""
    return -(-length // max(bins, 1))


def written(number: float, is_weight: bool = False) -> str:
    """A score or a weight as a reader sees it: two decimals, three for a weight."""
    if np.isneginf(number):
        return "−∞"
    return f"{number:.3f}" if is_weight else f"{number:.2f}".replace("-", "−")
