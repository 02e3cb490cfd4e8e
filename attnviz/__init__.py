"""See which word every head of a transformer looks at.

>>> import attnviz
>>> trace = attnviz.trace("I ate an apple")
>>> trace["self"].weights(3).shape
(4, 4, 4)
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnviz.attention import Attention, Token, Trace
    from attnviz.attention.trace_file import open_trace as open
    from attnviz.errors import AttnvizError
    from attnviz.models import load, trace
    from attnviz.render.picture.axes import plot

__all__ = ["Attention", "AttnvizError", "Token", "Trace", "load", "open", "plot", "trace"]

# name: (module, its name there); imported when it is first asked for, so that `import attnviz` costs nothing.
_PUBLIC = {
    "Attention": ("attnviz.attention", "Attention"),
    "AttnvizError": ("attnviz.errors", "AttnvizError"),
    "Token": ("attnviz.attention", "Token"),
    "Trace": ("attnviz.attention", "Trace"),
    "load": ("attnviz.models", "load"),
    "open": ("attnviz.attention.trace_file", "open_trace"),
    "plot": ("attnviz.render.picture.axes", "plot"),
    "trace": ("attnviz.models", "trace"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("attnviz")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'attnviz' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return globals().setdefault(name, getattr(import_module(module), attribute))


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


if "IPython" in sys.modules:  # in a notebook a trace shows itself as a heatmap
    from attnviz.notebook import show_traces

    show_traces()
