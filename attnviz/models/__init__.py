"""From a model's name to a model that can be traced, and from a text to its trace."""

import os
from collections.abc import Sequence
from typing import Any, Protocol

from attnviz.attention import Trace
from attnviz.selection import Selection
from attnviz.words import by_words

BUILTIN = "builtin"


class Model(Protocol):
    """What can be traced."""

    @property
    def name(self) -> str:
        """The name that its traces carry."""

    def trace(self, text: str, *, target: str | None = None, selection: Selection | None = None) -> Trace:
        """Run once on `text` and return the attention that `selection` asks for; all where it is None."""


def load(
    spec: Any = BUILTIN,
    *,
    tokenizer: Any = None,
    revision: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    trust_remote_code: bool = False,
) -> Model:
    """Load a model: `builtin`, a Hub name, a local folder, a .gguf file, or a loaded model with its `tokenizer`.

    A .safetensors file is a built-in model that `attnviz train` has made.

    Raises ModelError for what cannot be found or loaded. Code in a repository runs only with `trust_remote_code`.
    """
    if spec == BUILTIN:
        from attnviz.models.builtin import BuiltinModel

        return BuiltinModel.load()
    if isinstance(spec, str | os.PathLike) and os.fspath(spec).endswith(".safetensors"):
        from attnviz.models.builtin import BuiltinModel

        return BuiltinModel.open(spec)
    from attnviz.models.huggingface import HuggingFaceModel

    return HuggingFaceModel.load(
        spec,
        tokenizer=tokenizer,
        revision=revision,
        device=device,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
    )


def trace(
    text: str,
    model: Any = BUILTIN,
    *,
    target: str | None = None,
    layers: Sequence[int] | int | None = None,
    heads: Sequence[int] | int | None = None,
    kinds: Sequence[str] | str | None = None,
    words: bool = False,
    tokenizer: Any = None,
    revision: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    trust_remote_code: bool = False,
) -> Trace:
    """Run `text` through `model` once and return its attention: of all layers, heads and kinds, or those asked for.

    `model` is what `load` takes, or a model that it returned. A decoder of an encoder-decoder reads `target`, or what
    the model writes itself where that is None; `words` merges the tokens of each word. Raises InputError for a text
    that cannot be used, SelectionError for a kind, layer or head that the model does not have, ModelError for a model
    that cannot be loaded.

    >>> attnviz.trace("I ate an apple")["self"].weights(3).shape
    (4, 4, 4)
    """
    selection = Selection.of(layers, heads, kinds)
    if isinstance(model, str | os.PathLike) or not hasattr(model, "trace"):
        model = load(
            model,
            tokenizer=tokenizer,
            revision=revision,
            device=device,
            dtype=dtype,
            trust_remote_code=trust_remote_code,
        )
    traced: Trace = model.trace(text, target=target, selection=selection)
    return by_words(traced) if words else traced
