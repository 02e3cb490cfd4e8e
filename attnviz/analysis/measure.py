"""What a measure is, and measures that need a whole row for every token."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import numpy as np

from attnviz.attention import Attention, HeadValues

Measure = Callable[[Attention, int], HeadValues]
Others = ParamSpec("Others")


def token_measure(
    measure: Callable[Concatenate[Attention, int, Others], HeadValues],
) -> Callable[Concatenate[Attention, int, Others], HeadValues]:
    """`measure`, which reads whole rows of single tokens; nan for each head where rows were pooled or left out."""

    @functools.wraps(measure)
    def measured(attention: Attention, layer: int, /, *args: Others.args, **others: Others.kwargs) -> HeadValues:
        if not attention.has_all_rows:
            return np.full(len(attention.heads(layer)), np.nan)
        return measure(attention, layer, *args, **others)

    return measured
