"""The queries, keys and values of a layer, taken where they meet: in the attention function that transformers calls.

What they were before rotary positions is looked for in what the modules of the layer gave shortly before, without
their names: a rotation leaves every length as it is, and the first position alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from attnviz.attention.projections import MASK, Projections
from attnviz.capture.buffers import CellBuffer
from attnviz.errors import ModelError, SelectionError

RELATIVE, BIAS = "relative position bias", "bias"
_REMEMBERED = 24  # the last outputs in which the unrotated queries and keys are looked for
_CLOSE = {torch.float32: 1e-4, torch.float64: 1e-6}  # of the largest number; 2e-2 for smaller types


class ProjectionRecorder:
    """Stores the projections of selected layers in the buffers of each text; remembers what modules gave before."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._recent: list[tuple[torch.nn.Module, torch.Tensor, torch.Tensor]] = []
        for module in model.modules():
            module.register_forward_hook(self._remember)

    def _remember(self, module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if isinstance(output, torch.Tensor) and args and isinstance(args[0], torch.Tensor):
            self._recent = [*self._recent[-_REMEMBERED:], (module, args[0], output)]

    def record(
        self,
        module: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        score: "Score",
        heads: Sequence[int],
        buffers: Sequence[CellBuffer],
    ) -> None:
        """Store what `module` computes the weights of `heads` from; what they `added` comes later."""
        parts = {id(part) for part in module.modules()}
        own = [(read, output) for part, read, output in self._recent if id(part) in parts]
        self._recent = []
        before = [_unrotated(given, [output for _, output in own]) for given in (query, key)]
        pairs = zip(before, (query, key), strict=True)
        is_rotated = any(one is not None and not torch.equal(one, now) for one, now in pairs)
        is_shown = all(one is not None for one in before)
        unrotated = before if is_rotated and is_shown else [None, None]
        read = next((read for read, _ in own if read.ndim == 3 and read.shape[1] == query.shape[2]), None)
        for text, buffer in enumerate(buffers):
            n, m = len(buffer.queries), len(buffer.keys)
            are_from_the_first_on = all(isinstance(covered, range) for covered in (buffer.queries, buffer.keys))
            if buffer.weights.shape[1:] != (n, m) or not are_from_the_first_on:
                raise _not_whole(query.shape[2], key.shape[2])
            by_group = [head * key.shape[1] // query.shape[1] for head in heads]
            of_heads = [list(heads), by_group, by_group, list(heads), by_group]
            sizes = [n, m, m, n, m]
            queries, keys, values, before_q, before_k = (
                None if one is None else _numpy(one[text, which, :size])
                for one, which, size in zip((query, key, value, *unrotated), of_heads, sizes, strict=True)
            )
            assert queries is not None
            assert keys is not None
            assert values is not None
            terms, sinks = score.of_text(text, heads, n, m)
            buffer.projections = Projections(
                queries=queries,
                keys=keys,
                values=values,
                scale=score.scaling,
                terms=terms,
                softcap=score.softcap,
                sinks=sinks,
                unrotated_queries=before_q,
                unrotated_keys=before_k,
                read=None if read is None else _numpy(read[text, :n]),
            )


class Score:
    """How the score of a call is made of q · k: what `attention_blocks` is given."""

    def __init__(
        self,
        scaling: float,
        causal: bool,
        mask: torch.Tensor | None,
        bias: torch.Tensor | None,
        softcap: float | None,
        sinks: torch.Tensor | None,
    ) -> None:
        self.scaling, self.softcap = float(scaling), None if softcap is None else float(softcap)
        self._causal, self._mask, self._bias, self._sinks = causal, mask, bias, sinks

    def of_text(
        self, text: int, heads: Sequence[int], n: int, m: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """The terms of some heads of one text, by their names, for `n` queries and `m` keys; and the sinks."""
        terms: dict[str, np.ndarray] = {}
        hidden = np.zeros((1, n, m), bool)
        if self._causal:
            hidden[0][np.triu_indices(n, 1, m)] = True
        for name, tensor in ((RELATIVE, self._bias), (BIAS, self._mask)):
            if tensor is not None:
                added, hides = _parted(tensor, text, heads, (n, m))
                hidden = hidden | hides
                if added.any():
                    terms[name] = added
        if hidden.any():
            same = bool((hidden == hidden[:1]).all())
            terms[MASK] = np.where(hidden[: 1 if same else None], -np.inf, 0).astype(np.float32)
        return terms, None if self._sinks is None else _numpy(self._sinks.flatten())[list(heads)]


def not_handed_over(model: torch.nn.Module) -> ModelError:
    """The error for a model whose attention was captured without its queries and keys."""
    message = f"the attention of {type(model).__name__} does not hand over its queries and keys"
    return ModelError(message, "Leave out --neurons, or neurons in Python.")


def _not_whole(queries: int, keys: int) -> SelectionError:
    """The error for a matrix that is pooled, or that lacks some tokens."""
    what = f"of this {queries}×{keys} matrix some are pooled or left out"
    hint = "Leave out --rows, --columns and --cells; a text of more than 512 tokens is too long."
    return SelectionError(f"queries and keys are those of single tokens, and {what}", hint)


def adding(buffers: Sequence[CellBuffer], result: torch.Tensor, heads: Sequence[int]) -> Callable[[torch.Tensor], None]:
    """What stores in `buffers` what each of `heads` added, when W_O `[head, d_v, d]` is known.

    `result` is `[text, query, head, d_v]`.
    """

    def add(W_O: torch.Tensor) -> None:
        for text, buffer in enumerate(buffers):
            if buffer.projections is not None:
                Z = result[text, : len(buffer.queries), list(heads)].float()  # [query, head, d_v]
                added = torch.einsum("qhv,hvd->hqd", Z, W_O[list(heads)])
                buffer.projections = replace(buffer.projections, added=_numpy(added))

    return add


def _unrotated(given: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """`given` `[text, head, token, d]` before rotary positions: the last of `outputs` that it can be a rotation of.

    None if there is none.
    """
    norms = given.float().norm(dim=-1)
    close = _CLOSE.get(given.dtype, 2e-2) * norms.abs().max()
    for output in reversed(outputs):
        for view in _views(output, given.shape):
            same_lengths = (view.float().norm(dim=-1) - norms).abs().max() <= close
            if same_lengths and (view[:, :, 0].float() - given[:, :, 0].float()).abs().max() <= close:
                return view
    return None


def _views(output: torch.Tensor, shape: torch.Size) -> Iterator[torch.Tensor]:
    """The parts of an output that have the `shape` `[text, head, token, d]` of queries or keys.

    A module gives them alone, or, in one projection, queries, keys and values one behind the other, or those of each
    head together.
    """
    texts, heads, tokens, d = shape
    if output.shape == shape:
        yield output
    if output.ndim == 4 and output.shape == (texts, tokens, heads, d):
        yield output.transpose(1, 2)
    if output.ndim != 3 or output.shape[:2] != (texts, tokens) or output.shape[2] % d:
        return
    parts = output.shape[2] // d
    every = output.view(texts, tokens, parts, d).transpose(1, 2)  # [text, part, token, d]
    yield from (every[:, start : start + heads] for start in range(parts - heads + 1))
    if parts % heads == 0:  # the parts of each head together
        yield from (every[:, place :: parts // heads] for place in range(parts // heads))


def _parted(
    tensor: torch.Tensor, text: int, heads: Sequence[int], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """What a mask or a bias `[1 or text, 1 or head, query, key]` adds, and where it hides: `[1 or head, query, key]`.

    The lowest number of its type means −∞.
    """
    of_text = tensor[text if len(tensor) > 1 else 0]
    given = (of_text if len(of_text) == 1 else of_text[list(heads)])[:, : size[0], : size[1]]
    if given.dtype == torch.bool:
        hides, added = ~given, torch.zeros(given.shape)
    else:
        hides = given <= torch.finfo(given.dtype).min / 2
        added = given.masked_fill(hides, 0)
    shape = (len(given), *size)
    return np.broadcast_to(_numpy(added), shape), np.broadcast_to(hides.cpu().numpy(), shape)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().to("cpu", torch.float32).numpy())
