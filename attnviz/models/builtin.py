"""The built-in model: the transformer of `attnviz/scratch`, its shipped weights, run by numpy."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from math import floor
from pathlib import Path
from unicodedata import normalize

import numpy as np
from safetensors import SafetensorError

from attnviz.attention import Attention, Token, Trace
from attnviz.attention.projections import MASK, Projections
from attnviz.attention.shown_target import UNSURE
from attnviz.errors import InputError, ModelError
from attnviz.kinds import Kind
from attnviz.labels import tokens_from_offsets, visible
from attnviz.measured_roles import MeasuredRole, parse_roles, to_provenance
from attnviz.models.base import Model, Progress
from attnviz.models.cut_runs import CutRuns
from attnviz.models.gradients import Gradients, RowGradients
from attnviz.models.unknown_words import unknown_note
from attnviz.models.word_list import joined, numbered
from attnviz.prompt import Prompt, TextOrWords, require_text
from attnviz.scratch import transformer
from attnviz.scratch.attention import Weights, added_by_head, causal, projected, value_norms
from attnviz.scratch.confidence import word_probabilities
from attnviz.scratch.store import Checkpoint, read, shipped
from attnviz.scratch.tokenizer import END, KOREAN, Piece, language
from attnviz.scratch.translate import other_language, translate
from attnviz.selection import Selection

LONGEST, LONGEST_WRITTEN = 512, 64  # tokens; it was trained on sentences of up to 20


@dataclass(frozen=True)
class _Pass:
    """One pass: the weights by kind and layer, each `[1, head, query, key]`, and what else was asked for.

    `norms` are those of values, `[head, key]`. `x` is the decoder's output, by which the next word is written,
    `[1, m, d]`.
    """

    weights: dict[Kind, list[np.ndarray]]
    norms: dict[Kind, dict[int, np.ndarray]]
    projections: dict[Kind, dict[int, Projections]]
    x: np.ndarray


@dataclass(frozen=True, repr=False)
class BuiltinModel(Model):
    """The built-in translator between English and Korean; make one with `load`."""

    checkpoint: Checkpoint
    name: str = "builtin"

    @classmethod
    @cache
    def load(cls) -> "BuiltinModel":
        """The model that comes with attnviz."""
        return cls(shipped())

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "BuiltinModel":
        """A model from `attnviz train`. Raises ModelError if the file is not such a model."""
        try:
            return cls(read(path), Path(path).stem)
        except FileNotFoundError as error:
            raise ModelError(f"no such file: {path}", "Make one with: attnviz train -o runs") from error
        except (ValueError, TypeError, OSError, SafetensorError, RecursionError) as error:
            raise ModelError(
                f"{path} is not a built-in model that attnviz train has made: {error}",
                "For a Hugging Face model, give its folder: -m FOLDER.",
            ) from error

    def _trace_all(self, given: Iterator[Prompt], selection: Selection, progress: Progress | None) -> Iterator[Trace]:
        return (self._trace(prompt, selection) for prompt in given)  # too fast for progress

    def _trace(self, prompt: Prompt, selection: Selection) -> Trace:
        """Translate the text, or read the target as its translation, and return the selected attention.

        This model translates one sentence: it raises InputError for a text without words or a text that is too long,
        and for a pair, a chat, a language or `generate`. Raises SelectionError as `Selection` does.
        """
        for option in prompt.options.keys() & {"text_pair", "chat", "generate"}:
            raise InputError(
                "the built-in model translates one sentence: it does not read pairs or chats, or continue a text",
                f"Leave out --{option.replace('_', '-')}, or take another model: -m NAME.",
            )
        for option in prompt.options.keys() & {"source_language", "target_language"}:
            raise InputError(
                "the built-in model detects English and Korean itself: no language can be set",
                f"Leave out --{option.replace('_', '-')}, or take another model: -m NAME.",
            )
        selection.resolve(self._available)
        given, text = prompt.text, _composed(prompt.text, "text")
        given_target, target = prompt.target, None if prompt.target is None else _composed(prompt.target, "target")
        pieces, names = self._encode(text)
        source = self._tokens(text, [piece.id for piece in pieces], [(piece.start, piece.end) for piece in pieces])
        source = _by_words(source, text, given)
        notes = self._unknown(text, pieces) + _unread(source, given)
        if target is None:
            target, written = self._write(text, pieces, names)
        else:
            read, _ = self._encode(target, names)
            notes += self._unknown(target, read)
            written = _by_words(self._read(target, read), target, given_target)
            notes += _unread(written, given_target)
        run = self._run(source, written[:-1], selection)
        doubt = self._doubt(run.x, written, other_language(text)) if prompt.target is None else ""
        notes += (f"{UNSURE} of the translation: {doubt}",) if doubt else ()
        attentions = []
        for kind, layers in self._available.items():
            queries = source if kind == "self" else written[:-1]
            attention = Attention(
                kind=kind,
                part="encoder" if kind == "self" else "decoder",
                queries=queries,
                keys=source if kind == "cross" else queries,
                by_layer={layer: run.weights[kind][layer][0] for layer in layers},
                head_numbers=layers,
                predicts=None if kind == "self" else written[1:],
                value_norms=run.norms.get(kind, {}),
                projections=run.projections.get(kind, {}),
            )
            attention.check()
            attentions.append(attention)
        trace = Trace(
            model=self.name,
            text=text,
            target=target,
            attentions=tuple(attentions),
            provenance=self._provenance | to_provenance(self._roles(text)) | ({UNSURE: doubt} if doubt else {}),
            notes=notes,
        )
        return selection.apply(trace)

    def gradients(self, prompt: Prompt, progress: Progress | None = None) -> Gradients:
        """Run on `prompt` under torch, so that gradients of what it writes can be taken. Raises as `trace` does."""
        from attnviz.models.builtin_gradients import BuiltinPass

        trace = self._trace(prompt, Selection())
        decoder = trace["cross"]
        source, read = ([token.id for token in tokens] for tokens in (decoder.keys, decoder.queries))
        taken = BuiltinPass(self.checkpoint, source, read)

        def of_rows(rows: Sequence[int]) -> Iterator[RowGradients]:
            for row in rows:
                token = (decoder.predicts or ())[row]
                assert token is not None
                yield RowGradients(row, token, taken.weighted(row, token.id))

        return Gradients(trace, of_rows)

    def cut_runs(self, prompt: Prompt) -> CutRuns:
        """Runs on `prompt` from which heads can be taken out."""
        from attnviz.models.builtin_cut_runs import BuiltinCutRuns

        return BuiltinCutRuns(self, prompt)

    def run_again(self, trace: Trace) -> tuple[Trace, np.ndarray]:
        """What these weights give for the words of `trace`, and the decoder's output, `[m, d]`."""
        run = self._run(trace["self"].queries, trace["cross"].queries, Selection())
        attentions = (
            replace(a, by_layer={layer: weights[0] for layer, weights in enumerate(run.weights[a.kind])})
            for a in trace.attentions
        )
        return replace(trace, attentions=tuple(attentions)), run.x[0]

    def _roles(self, text: str) -> list[MeasuredRole]:
        """What the heads of this checkpoint were measured to do in the language of `text`."""
        roles = parse_roles(self.checkpoint.roles)
        name = "Korean" if language(text) == KOREAN else "English"
        return [role for role in roles if role.language == name]

    @property
    def _provenance(self) -> dict[str, str]:
        return {"attnviz": version("attnviz"), "numpy": np.__version__, "dtype": "float32", "capture": "exact"}

    @property
    def _available(self) -> dict[Kind, dict[int, tuple[int, ...]]]:
        config = self.checkpoint.config
        heads = tuple(range(config.h))
        return {
            "self": dict.fromkeys(range(config.encoder_layers), heads),
            "masked-self": dict.fromkeys(range(config.decoder_layers), heads),
            "cross": dict.fromkeys(range(config.decoder_layers), heads),
        }

    def _encode(self, text: str, names: Sequence[str] = ()) -> tuple[list[Piece], list[str]]:
        """The tokens of `text`, and the words that it passes on, after the `names` of the text that it translates."""
        pieces, names = self.checkpoint.tokenizer.encode_named(text, names)
        if len(pieces) > LONGEST:
            raise InputError(
                f"the text is {len(pieces)} tokens long, and the built-in model reads at most {LONGEST}",
                "Give it a sentence, or take another model: -m NAME.",
            )
        return pieces, names

    def _write(self, text: str, pieces: list[Piece], names: list[str]) -> tuple[str, tuple[Token, ...]]:
        """The translation of `text`, and its tokens with the start and end tokens."""
        start, limit = other_language(text), min(2 * len(pieces) + 8, LONGEST_WRITTEN)
        words = translate(self.checkpoint, [piece.id for piece in pieces], start, limit)
        has_ended = END in words
        words = words[:-1] if has_ended else words
        target, spans = self.checkpoint.tokenizer.spell(words, names)
        first, *own, end = self._with_ends(start, target, words, spans)
        return target, (first, *(replace(token, generated=True) for token in own), replace(end, generated=has_ended))

    def _read(self, target: str, pieces: list[Piece]) -> tuple[Token, ...]:
        """The tokens of a given target with the start and end tokens."""
        ids, spans = [piece.id for piece in pieces], [(piece.start, piece.end) for piece in pieces]
        return self._with_ends(language(target), target, ids, spans)

    def _with_ends(self, start: int, text: str, ids: list[int], spans: list[tuple[int, int]]) -> tuple[Token, ...]:
        return self._tokens(text, [start, *ids, END], [(0, 0), *spans, (0, 0)])

    def _tokens(self, text: str, ids: list[int], spans: list[tuple[int, int]]) -> tuple[Token, ...]:
        names = [self.checkpoint.tokenizer.vocabulary[id] for id in ids]
        return tokens_from_offsets(text, ids, spans, [start == end for start, end in spans], names)

    def _run(self, source: tuple[Token, ...], read: tuple[Token, ...], selection: Selection) -> "_Pass":
        """Run encoder and decoder once, and compute what the selection asks for beside the weights."""
        W, h = self.checkpoint.weights, self.checkpoint.config.h
        parts = self.checkpoint.tokenizer.parts
        ids, read_ids = (parts[np.array([[token.id for token in tokens]])] for tokens in (source, read))  # [1, n, 2]
        real = np.ones(ids.shape[:2], np.bool)
        memory, encoded = transformer.encode(ids, real, W, h, np)
        x, decoded = transformer.decode(read_ids, memory, real, W, h, np)
        weights: dict[Kind, list[np.ndarray]]
        weights = {"self": encoded.encoder, "masked-self": decoded.masked, "cross": decoded.cross}
        made_from: dict[
            Kind, list[tuple[np.ndarray, np.ndarray, Weights]]
        ] = {  # queries and keys, and by which weights
            "self": [(y, y, layer["self"]) for y, layer in zip(encoded.read, W["encoder"], strict=True)],
            "masked-self": [(y, y, layer["self"]) for y, layer in zip(decoded.read, W["decoder"], strict=True)],
            "cross": [(y, memory, layer["cross"]) for y, layer in zip(decoded.asked, W["decoder"], strict=True)],
        }
        norms, projections = {}, {}
        for kind, layers in made_from.items():
            if selection.value_norms:
                norms[kind] = {number: value_norms(y, W, h, np)[0] for number, (_, y, W) in enumerate(layers)}
            if (number := selection.neurons) is not None and number < len(layers):
                projections[kind] = {number: _projections(kind, *layers[number], weights[kind][number])}
        return _Pass(weights, norms, projections, x)

    def _doubt(self, x: np.ndarray, written: tuple[Token, ...], target: int) -> str:
        """Why the model is not sure of the words `written` by `x` `[1, m, d]`, in the language `target`; or ""."""
        tokenizer, least = self.checkpoint.tokenizer, self.checkpoint.threshold(target)
        words = tokenizer.parts[np.array([[token.id for token in written[1:]]])]  # [1, m, 2]
        P = word_probabilities(x, words, tokenizer.has, self.checkpoint.weights)[0]  # [m]
        if P.min() >= least:
            return ""
        *own, _ = [f"“{visible(token.text)}”" for token in written[1:]]
        weakest = [*own, "its end"][int(P.argmin())]
        below = f"{floor(100 * P.min())}%; below {least:.0%} a translation is often wrong"
        return f"its least likely word, {weakest}, has a probability of {below}"

    def _unknown(self, text: str, pieces: list[Piece]) -> tuple[str, ...]:
        """A note that names the words outside the vocabulary, which are passed on or split into pieces."""
        spans: dict[int, tuple[int, int]] = {}
        for piece in pieces:
            spans[piece.word] = (spans.get(piece.word, (piece.start, 0))[0], piece.end)
        unknown = {piece.word for piece in pieces if self.checkpoint.tokenizer.is_unknown(piece.id)}
        words = [text[slice(*spans[word])] for word in sorted(unknown)]
        hint = "; a Hugging Face model (-m) reads any text"
        return unknown_note(words, f"{len(spans)} words", "the built-in model's", hint)


def _projections(kind: Kind, x: np.ndarray, y: np.ndarray, W: Weights, A: np.ndarray) -> Projections:
    """The queries of `x` `[1, n, d]`, keys and values of `y` `[1, m, d]`, and what heads add with the weights `A`."""
    Q, K, V = projected(x, y, W, A.shape[1], np)
    hidden = np.where(causal(A.shape[2], np), 0, -np.inf).astype(np.float32)[None]
    return Projections(
        queries=Q[0],
        keys=K[0],
        values=V[0],
        scale=Q.shape[-1] ** -0.5,
        terms={MASK: hidden} if kind == "masked-self" else {},
        read=x[0],
        added=added_by_head(A, V, W, np)[0],
    )


def _composed(given: TextOrWords, what: str) -> str:
    """The given text in Unicode's composed form. Raises InputError if it is not a text."""
    text = joined(given, what)
    require_text(text, what)
    return normalize("NFC", text)


def _by_words(tokens: tuple[Token, ...], text: str, given: TextOrWords | None) -> tuple[Token, ...]:
    """`tokens` of `text`, with the word numbers of the list if it was given as a list of words."""
    return tokens if given is None or isinstance(given, str) else numbered(tokens, text.split(" "))


def _unread(tokens: tuple[Token, ...], given: TextOrWords | None) -> tuple[str, ...]:
    """A note on words of a list that have no token: the model does not read a full stop at the end of a sentence."""
    if given is None or isinstance(given, str):
        return ()
    read = {token.word for token in tokens}
    words = [visible(word) for number, word in enumerate(given) if number not in read]
    return (f"the built-in model does not read these words of the list: {', '.join(words)}",) if words else ()
