"""The inputs of a model for one text: the tokens of encoder and decoder, and the trace without its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from attnviz.attention import Attention, Part, Token, Trace, single_ranges
from attnviz.kinds import Kind
from attnviz.words import Words, merged_predicts, merged_tokens, word_numbers


@dataclass(frozen=True)
class Side:
    """What the encoder or the decoder reads: its tokens and, in a decoder, the token that each row writes.

    `prefix` are virtual tokens that an adapter puts before them; these are only keys and have no rows.
    """

    tokens: tuple[Token, ...]
    predicts: tuple[Token | None, ...] | None = None
    prefix: tuple[Token, ...] = ()

    def by_words(self, text: str) -> "Side":
        """This side with the tokens of `text` merged to words as in `attnviz.words`."""
        tokens = merged_tokens(self.tokens, text)
        return Side(tokens, self.predicts and merged_predicts(self.tokens, tokens, self.predicts), self.prefix)

    def after(self, virtual: tuple[Token, ...], are_keys: bool) -> "Side":
        """This side after `virtual` tokens; of these only the last writes a token, which is the first of the text."""
        tokens = tuple(replace(token, segment=token.segment + 1) for token in self.tokens)
        predicts = self.predicts and tuple(
            token and replace(token, segment=token.segment + 1) for token in self.predicts
        )
        if are_keys:
            return Side(tokens, predicts, virtual)
        before = (None,) * (len(virtual) - 1) + tokens[:1]
        return Side((*virtual, *tokens), predicts and (*before, *predicts))

    def attention(self, kind: Kind, part: Part) -> Attention:
        """Self-attention between these tokens, still without weights. Prefix tokens are queries without rows."""
        tokens, before = (*self.prefix, *self.tokens), len(self.prefix)
        predicts = self.predicts and (None,) * before + self.predicts
        return Attention(
            kind, part, tokens, tokens, {}, {}, predicts=predicts, rows=single_ranges(len(tokens))[before:]
        )


@dataclass(frozen=True)
class ModelInputs:
    """One text as a model reads it: `inputs` by name, and the other parts of its trace.

    `provenance` says how the text was made, for example from a chat. `notes` are for the reader.
    """

    text: str
    inputs: Mapping[str, Sequence[int]]
    sides: Mapping[Part, Side]
    target: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def lengths(self) -> dict[Kind, tuple[int, int]]:
        """The numbers of queries and keys of each kind of attention."""
        return {kind: (len(rows), len(columns)) for kind, (rows, columns) in self._tokens.items()}

    @property
    def _tokens(self) -> dict[Kind, tuple[tuple[Token, ...], tuple[Token, ...]]]:
        """The queries and the keys of each kind of attention."""
        source, read = self.sides["encoder"], self.sides["decoder"]
        return {
            "self": (source.tokens, source.prefix + source.tokens),
            "masked-self": (read.tokens, read.prefix + read.tokens),
            "cross": (read.tokens, source.tokens),
        }

    @property
    def prefixes(self) -> dict[Kind, int]:
        """The number of keys of each kind that come before all queries: see `Side`."""
        sides: dict[Kind, Part] = {"self": "encoder", "masked-self": "decoder"}
        return {kind: len(self.sides[part].prefix) for kind, part in sides.items()}

    @property
    def tokens(self) -> int:
        """The number of tokens that the model reads."""
        return sum(len(ids) for name, ids in self.inputs.items() if name in ("input_ids", "decoder_input_ids"))

    @property
    def words(self) -> dict[Kind, Words]:
        """The number of the word of each query and each key of each kind of attention."""
        return {kind: (word_numbers(rows), word_numbers(columns)) for kind, (rows, columns) in self._tokens.items()}

    def trace(self, model: str) -> Trace:
        """The trace by the model of that name before it has run: with all tokens, without weights."""
        encoder, decoder = self.sides["encoder"], self.sides["decoder"]
        attentions = (
            encoder.attention("self", "encoder"),
            decoder.attention("masked-self", "decoder"),
            Attention("cross", "decoder", decoder.tokens, encoder.tokens, {}, {}, predicts=decoder.predicts),
        )
        return Trace(model, self.text, attentions, self.target, provenance=self.provenance, notes=self.notes)

    def by_words(self) -> "ModelInputs":
        """These inputs with the tokens of each word merged, as a trace by words shows them."""
        texts: dict[Part, str] = {"encoder": self.text, "decoder": self.text if self.target is None else self.target}
        merged = replace(self, sides={part: side.by_words(texts[part]) for part, side in self.sides.items()})
        if merged.lengths == self.lengths:
            return self
        return replace(merged, provenance={**self.provenance, "merged": "tokens to words"})
