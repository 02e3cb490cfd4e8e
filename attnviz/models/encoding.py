"""Between a text and what a Hugging Face model reads: ids, and the tokens that a reader sees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from attnviz.attention import Token
from attnviz.errors import InputError
from attnviz.labels import offsets_by_decoding, tokens_from_offsets
from attnviz.models.text import require_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Encoding:
    """Turns texts into ids and ids into tokens, by one tokenizer."""

    tokenizer: "PreTrainedTokenizerBase"

    def encode(self, text: str, *, as_target: bool = False) -> tuple[dict[str, list[int]], tuple[Token, ...]]:
        """What a model reads for `text` (ids, mask and the like), and its tokens; `as_target` is for a decoder.

        Raises InputError for a text that is empty or not Unicode, or of which the tokenizer makes no token.
        """
        what = "target" if as_target else "text"
        require_text(text, what)
        how = {"return_special_tokens_mask": True, "return_offsets_mapping": self.tokenizer.is_fast}
        inputs = dict(self.tokenizer(text_target=text, **how) if as_target else self.tokenizer(text, **how))
        ids, added, offsets = inputs["input_ids"], inputs.pop("special_tokens_mask"), inputs.pop("offset_mapping", None)
        special = [mark or bool(also) for mark, also in zip(self.special(ids), added, strict=True)]
        if all(special):
            raise InputError(f"the tokenizer makes no token of the {what}", "Give it some words.")
        if offsets is None:
            return inputs, _within(text, *self.spell(ids))
        return inputs, self._tokens(text, ids, special, offsets)

    def spell(self, ids: Sequence[int]) -> tuple[str, tuple[Token, ...]]:
        """The text that `ids` spell, as a model generated them, and their tokens."""
        special = self.special(ids)
        text, offsets = offsets_by_decoding(ids, special, self._decode)
        return text, self._tokens(text, ids, special, offsets)

    def special(self, ids: Sequence[int]) -> list[bool]:
        """Which ids are the model's own marks. An unknown word is the user's, though its token is a special one."""
        tokenizer = self.tokenizer
        marks = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        marks |= {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
        return [id_ in marks for id_ in ids]

    def named(self, id_: int) -> str:
        """A token by its own name: `[CLS]`."""
        return str(self.tokenizer.convert_ids_to_tokens(id_))

    def _tokens(
        self, text: str, ids: Sequence[int], special: Sequence[bool], offsets: Sequence[tuple[int, int]]
    ) -> tuple[Token, ...]:
        names = [
            "" if start < end else self.named(id_) if mark else self._decode([id_])
            for id_, mark, (start, end) in zip(ids, special, offsets, strict=True)
        ]
        return tokens_from_offsets(text, ids, offsets, special, names)

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)) if ids else ""


def _within(text: str, spelled: str, tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The tokens of `spelled` with their spans in `text`, or with none where the tokenizer changed what was written."""
    core = spelled.strip()
    at = text.find(core)
    if at < 0:
        return tuple(replace(token, span=None) for token in tokens)
    by = at - spelled.find(core)
    moved = ((token.span[0] + by, token.span[1] + by) if token.span else None for token in tokens)
    return tuple(replace(token, span=span) for token, span in zip(tokens, moved, strict=True))
