"""See which word every head of a transformer looks at.

>>> import attnviz
>>> trace = attnviz.trace("I ate an apple")
>>> trace["self"].weights(3).shape
(4, 4, 4)
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers; Python uses the table below
    from attnviz.ablations import ablate as ablate
    from attnviz.ablations import head_effects as head_effects
    from attnviz.analysis.ablation import AblationResult as AblationResult
    from attnviz.analysis.ablation import HeadEffect as HeadEffect
    from attnviz.analysis.answer_sources import AnswerSources as AnswerSources
    from attnviz.analysis.attention_step import AttentionStep as AttentionStep
    from attnviz.analysis.attention_step import attention_step as attention_step
    from attnviz.analysis.comparison import Comparison as Comparison
    from attnviz.attention import Attention as Attention
    from attnviz.attention import Token as Token
    from attnviz.attention import Trace as Trace
    from attnviz.attention.trace_file import open_trace
    from attnviz.comparisons import compare as compare
    from attnviz.errors import AttnvizError as AttnvizError
    from attnviz.errors import CaptureError as CaptureError
    from attnviz.errors import FileError as FileError
    from attnviz.errors import InputError as InputError
    from attnviz.errors import ModelError as ModelError
    from attnviz.errors import PlotOptionError as PlotOptionError
    from attnviz.errors import SelectionError as SelectionError
    from attnviz.models import load as load
    from attnviz.models import trace as trace
    from attnviz.models.base import Model as Model
    from attnviz.prompt import Prompt as Prompt
    from attnviz.render.page import Page as Page
    from attnviz.render.page import view as view
    from attnviz.render.picture.axes import plot as plot
    from attnviz.selection import Selection as Selection
    from attnviz.token_relevance import relevance as relevance
    from attnviz.trace_sources import sources as sources

    open = open_trace

_ERRORS = (
    "AttnvizError", "CaptureError", "FileError", "InputError", "ModelError", "PlotOptionError", "SelectionError",
)  # fmt: skip
_PUBLIC = {  # name: module and attribute, imported when first used, so that `import attnviz` is fast
    **{name: f"attnviz.errors:{name}" for name in _ERRORS},
    "AblationResult": "attnviz.analysis.ablation:AblationResult",
    "AnswerSources": "attnviz.analysis.answer_sources:AnswerSources",
    "Attention": "attnviz.attention:Attention",
    "AttentionStep": "attnviz.analysis.attention_step:AttentionStep",
    "Comparison": "attnviz.analysis.comparison:Comparison",
    "HeadEffect": "attnviz.analysis.ablation:HeadEffect",
    "Model": "attnviz.models.base:Model",
    "Page": "attnviz.render.page:Page",
    "Prompt": "attnviz.prompt:Prompt",
    "Selection": "attnviz.selection:Selection",
    "Token": "attnviz.attention:Token",
    "Trace": "attnviz.attention:Trace",
    "ablate": "attnviz.ablations:ablate",
    "attention_step": "attnviz.analysis.attention_step:attention_step",
    "compare": "attnviz.comparisons:compare",
    "head_effects": "attnviz.ablations:head_effects",
    "load": "attnviz.models:load",
    "open": "attnviz.attention.trace_file:open_trace",
    "plot": "attnviz.render.picture.axes:plot",
    "relevance": "attnviz.token_relevance:relevance",
    "sources": "attnviz.trace_sources:sources",
    "trace": "attnviz.models:trace",
    "view": "attnviz.render.page:view",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("attnviz")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'attnviz' has no attribute {name!r}")
    module, attribute = _PUBLIC[name].split(":")
    return globals().setdefault(name, getattr(import_module(module), attribute))


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


if "IPython" in sys.modules:  # a notebook shows a trace as a heatmap
    from attnviz.notebook import show_traces

    show_traces()
