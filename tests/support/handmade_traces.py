"""Small traces made by hand, whose every number is known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from attnviz.attention import Attention, Token, Trace, tokens_of
from attnviz.attention.projections import MASK, Projections
from attnviz.kinds import Kind


def tokens(texts: Sequence[str], special: Sequence[str] = ()) -> tuple[Token, ...]:
    return tuple(Token(i, text, None, i, text in special) for i, text in enumerate(texts))


def attention(
    heads: Sequence[object], texts: Sequence[str] = (), kind: Kind = "self", special: Sequence[str] = ()
) -> Attention:
    """One layer, number 0, with the matrices `heads`; tokens `a`, `b`, … unless given."""
    weights = np.array(heads, np.float32)
    queries, keys = (tokens(texts or [chr(97 + i) for i in range(n)], special) for n in weights.shape[1:])
    part = "encoder" if kind == "self" else "decoder"
    return Attention(kind, part, queries, keys, {0: weights}, {0: tuple(range(len(weights)))})


def encoder_decoder() -> Trace:
    """`I ate an apple` → `나는 사과를 먹었다`: two layers of two heads by formula, but in L1H1 ate looks at apple."""
    source = tokens(["I", "ate", "an", "apple"])
    read = tokens(["<s>", "나는", "사과를", "먹었다"], ["<s>"])
    written = (*read[1:], Token(9, "</s>", special=True))
    heads = {0: (0, 1), 1: (0, 1)}
    full, causal = ({layer: _weights(layer, causal) for layer in heads} for causal in (False, True))
    encoder = {layer: weights.copy() for layer, weights in full.items()}
    encoder[1][1] = [[0.9, 0.1, 0, 0], [0, 0.02, 0.02, 0.96], [0, 0.3, 0.1, 0.6], [0.05, 0.8, 0.1, 0.05]]
    return Trace(
        model="by hand",
        text="I ate an apple",
        target="나는 사과를 먹었다",
        attentions=(
            Attention("self", "encoder", source, source, encoder, heads),
            Attention("masked-self", "decoder", read, read, causal, heads, {}, written),
            Attention("cross", "decoder", read, source, full, heads, {}, written),
        ),
    )


def with_value_norms(trace: Trace) -> Trace:
    """`trace` with the norms of its values: (head index + 1) · (key + 1) in layer 0, that + l in layer l."""

    def norms(a: Attention, layer: int) -> np.ndarray:
        heads, keys = np.arange(1, len(a.heads(layer)) + 1), np.array(tokens_of(a.columns)) + 1
        return (heads[:, None] * keys + layer).astype(np.float32)

    known = (replace(a, value_norms={layer: norms(a, layer) for layer in a.layers}) for a in trace.attentions)
    return replace(trace, attentions=tuple(known))


def with_neurons() -> Trace:
    """The encoder-decoder, with queries, keys and values of layer 1 that give other weights than it has."""
    random = np.random.default_rng(0)

    def made(a: Attention) -> Projections:
        n, m, heads = len(a.queries), len(a.keys), len(a.heads(1))
        sizes = {"queries": (heads, n, 3), "keys": (heads, m, 3), "values": (heads, m, 2), "added": (heads, n, 5)}
        sizes |= {"unrotated_queries": (heads, n, 3), "unrotated_keys": (heads, m, 3), "read": (n, 4)}
        arrays = {name: random.normal(size=size).astype(np.float32) for name, size in sizes.items()}
        hidden = np.where(np.tri(n, m, dtype=bool), 0, -np.inf).astype(np.float32)[None]
        return Projections(scale=0.5, softcap=3.0, terms={MASK: hidden} if a.kind == "masked-self" else {}, **arrays)

    trace = encoder_decoder()
    return replace(trace, attentions=tuple(replace(a, projections={1: made(a)}) for a in trace.attentions))


def hybrid() -> Trace:
    """Layers 3 and 11 of a hybrid decoder: other heads in each, a sink in one, a last row that predicts nothing."""
    read = (Token(7, "사과", (0, 2), 0), Token(8, "를", (2, 3), 0), Token(2, "</s>", special=True))
    weights = np.tril(np.full((3, 3, 3), 0.25, np.float32))
    weights[:, range(3), range(3)] += np.float32([0.25, 0.0, 0.0])
    one = Attention(
        kind="masked-self",
        part="decoder",
        queries=read,
        keys=read,
        by_layer={3: np.tril(np.full((1, 3, 3), 1 / np.arange(1, 4)[:, None], np.float32)), 11: weights},
        head_numbers={3: (5,), 11: (0, 2, 4)},
        sink_mass={11: np.tile(np.float32([0.5, 0.5, 0.25]), (3, 1))},
        predicts=(*read[1:], None),
    )
    return Trace(
        model="hybrid",
        revision="abc123",
        text="사과를\x1b \u202e😀",
        target=None,
        attentions=(one,),
        provenance={"torch": "2.6", "capture": "attention interface"},
        notes=("first", "둘째"),
    )


def decoder_only(texts: Sequence[str] = ("The", "cat", "sat")) -> Trace:
    n = len(texts)
    weights = np.tril(np.ones((1, n, n), np.float32)) / np.arange(1, n + 1, dtype=np.float32)[:, None]
    t = tokens(texts)
    one = Attention("masked-self", "decoder", t, t, {0: weights}, {0: (0,)}, {}, (*t[1:], None))
    return Trace(model="by hand", text=" ".join(texts), attentions=(one,))


def labelled(texts: Sequence[str]) -> Trace:
    """An encoder of one head that looks at the next token, with tokens of these names."""
    n = len(texts)
    return Trace("by hand", " ".join(texts), (attention([np.roll(np.eye(n), 1, 1)], texts),))


def _weights(layer: int, causal: bool) -> np.ndarray:
    """Two heads of 4 × 4: one fades with distance, one prefers one key more the further down the row."""
    i, j = np.mgrid[:4, :4]
    raw = np.stack([0.5 ** (np.abs(i - j) + layer), (1.0 + i) ** j]) * (np.tri(4) if causal else 1)
    return (raw / raw.sum(-1, keepdims=True)).astype(np.float32)


HOSTILE = (
    *("\x1b[31m", "$x$", "[bold]", "</script>", "שלום", "e\u0301te\u0301", "a\nb", "a\tb", "\u202eabc", "\ufffd"),
    *("😀", "👨\u200d👩\u200d👧", "❤\ufe0f", "日本語", "한국어", "ก็", "𓀀", "🦥", "x" * 60),
)
"""Token texts that have broken a terminal, a picture or a page before."""


def with_answer(words: Sequence[str], weights: np.ndarray, answer: int) -> Trace:
    """A decoder that read `words` and wrote the last `answer` of them; one layer with `weights` `[head, row, key]`.

    A word that begins with a line break stands on a line of its own.
    """
    text, read = "", []
    for number, word in enumerate(words):
        text += word if word.startswith("\n") or not text else f" {word}"
        label, is_answer = word.strip(), number >= len(words) - answer
        span = (len(text) - len(label), len(text))
        read.append(Token(number, label, span, number, segment=int(is_answer), generated=is_answer))
    heads = {0: tuple(range(len(weights)))}
    predicts = (*read[1:], None)
    one = Attention("masked-self", "decoder", tuple(read), tuple(read), {0: weights}, heads, {}, predicts)
    return Trace("by hand", text, (one,), provenance={"generated": " ".join(words[len(words) - answer :])})
