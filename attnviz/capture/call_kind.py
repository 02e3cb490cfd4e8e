"""The kind of attention of a call in a torch module: from its sizes, its mask, its inputs and module names."""

import re

from attnviz.capture.attention_call import Call
from attnviz.kinds import Kind

_CROSS = re.compile(r"cross", re.IGNORECASE)
_TO_ENCODER = re.compile(r"enc\w*_?att|src_att|inter_att", re.IGNORECASE)
DECODER = re.compile(r"dec(oder)?\b|decoder|target|tgt", re.IGNORECASE)
"""Module paths that name a decoder, such as `decoder.2`."""


class CallKinds:
    """The kinds of the calls of a pass on `source` tokens and, if a decoder reads others, `target` tokens.

    `notes` say what is uncertain, and `unmasked` are the paths of a decoder's self-attention that hides nothing.
    """

    def __init__(self, source: int, target: int | None) -> None:
        self._source, self._target = source, target
        self._found: set[Kind] = set()
        self.notes: dict[str, None] = {}
        self.unmasked: dict[str, None] = {}

    def find(self, call: Call, path: str) -> Kind | None:
        """The kind of a call from a module at `path`; None if it is not between all tokens."""
        if kind := self._kind(call, path):
            self._found.add(kind)
        return kind

    def _kind(self, call: Call, path: str) -> Kind | None:
        n, m = self._source, self._target
        size = call.queries, call.keys
        if m is not None and m != n:
            if size == (m, m):
                return self._of_decoder(call, path)
            return "self" if size == (n, n) else "cross" if size == (m, n) else None
        if size != (n, n):
            return None
        if call.one_input is not True and self._is_named_cross(path):
            return "cross"
        is_cross_of_torch = path.endswith("multihead_attn")  # the name in the decoder of torch
        if call.one_input is False and (m is not None or is_cross_of_torch):
            return "cross"
        if call.hides_later:
            return "masked-self"
        if call.hides_later is None:
            self.notes["only one token: it cannot be known whether its self-attention is masked"] = None
        if m is None and call.one_input is False:
            where = path or "the model"
            self.notes[
                f"{where}: queries and keys have different inputs; it is shown as self-attention, because there are"
                " as many queries and keys as tokens"
            ] = None
        return "self" if m is None else self._of_equal_lengths(call, path)

    def _is_named_cross(self, path: str) -> bool:
        """Whether the path names cross-attention: `encoder_attn` does in a decoder, but not in an encoder."""
        has_decoder = self._target is not None or DECODER.search(path)
        return bool(_CROSS.search(path) or (has_decoder and _TO_ENCODER.search(path)))

    def _of_equal_lengths(self, call: Call, path: str) -> Kind | None:
        """The kind of a call without a mask and a telling name, when source and target are equally long."""
        if DECODER.search(path) and call.one_input:
            return self._of_decoder(call, path)
        if call.one_input:
            return "self"
        note = "source and target are equally long: self- and cross-attention were told apart by their order"
        self.notes[note] = None
        return "cross" if "masked-self" in self._found else "self"

    def _of_decoder(self, call: Call, path: str) -> Kind | None:
        """Masked self-attention of a decoder; without a mask it is left out, and `unmasked` gets its path."""
        if call.hides_later is not False:
            return "masked-self"
        self.unmasked[path] = None
        return None
