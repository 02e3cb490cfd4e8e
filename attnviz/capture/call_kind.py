"""Which kind of attention a call is that a module of torch makes, by what can be told of it."""

import re

from attnviz.capture.attention_call import Call
from attnviz.kinds import Kind

_CROSS = re.compile(r"cross", re.IGNORECASE)
_TO_ENCODER = re.compile(r"enc\w*_?att|src_att|inter_att", re.IGNORECASE)
DECODER = re.compile(r"dec(oder)?\b|decoder|target|tgt", re.IGNORECASE)
"""What names on the way to a module tell: `2.cross_attn`, `2.encoder_attn`, `decoder.2`."""


class CallKinds:
    """The kinds of a pass's calls, where there are `source` tokens and, if a decoder reads others, `target` tokens.

    `notes` say what could not be told, and `unmasked` are the paths of a decoder's self-attention that hides nothing.
    """

    def __init__(self, source: int, target: int | None) -> None:
        self._source, self._target = source, target
        self._found: set[Kind] = set()
        self.notes: dict[str, None] = {}
        self.unmasked: dict[str, None] = {}

    def of(self, call: Call, path: str) -> Kind | None:
        """The kind of a call, by its sizes, its mask, its inputs and the names on its path; None if not of tokens."""
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
        named = path.endswith("multihead_attn")  # as the decoder of torch calls its cross-attention
        if call.one_input is False and (m is not None or named):
            return "cross"
        if call.hides_later:
            return "masked-self"
        if call.hides_later is None:
            self.notes["one token alone: whether its self-attention is masked cannot be told"] = None
        if m is None and call.one_input is False:
            where = path or "the model"
            self.notes[
                f"{where}: queries and keys have different inputs; it is taken for self-attention, since there are"
                " as many of each as tokens"
            ] = None
        return "self" if m is None else self._of_equals(call, path)

    def _is_named_cross(self, path: str) -> bool:
        """Whether names on the path say so: `encoder_attn` does in a decoder, and not in an encoder alone."""
        has_decoder = self._target is not None or DECODER.search(path)
        return bool(_CROSS.search(path) or (has_decoder and _TO_ENCODER.search(path)))

    def _of_equals(self, call: Call, path: str) -> Kind | None:
        """The kind of a call that no mask and no name tells, where source and target are as long."""
        if DECODER.search(path) and call.one_input:
            return self._of_decoder(call, path)
        if call.one_input:
            return "self"
        self.notes["source and target are as long: what is self- and what cross-attention was told by order"] = None
        return "cross" if "masked-self" in self._found else "self"

    def _of_decoder(self, call: Call, path: str) -> Kind | None:
        """Masked self-attention of a decoder; without a mask it is left out, and that is noted."""
        if call.hides_later is not False:
            return "masked-self"
        self.unmasked[path] = None
        return None
