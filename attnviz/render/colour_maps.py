"""Colour maps by matplotlib's names. It is imported only where one was asked for."""

from difflib import get_close_matches
from functools import cache

import numpy as np

from attnviz.errors import LookError


def colour_maps() -> list[str]:
    """The names of all of them, without those that are another turned round (viridis_r)."""
    from matplotlib import colormaps

    return [name for name in colormaps if not name.endswith("_r")]


def require(name: str) -> None:
    """Raise LookError, with the names nearest to it, unless matplotlib has a colour map `name`."""
    from matplotlib import colormaps

    if name not in colormaps:
        folded = {known.lower(): known for known in colormaps}
        near = [folded[found] for found in get_close_matches(name.lower(), folded, 4, 0.5)]
        raise LookError(f"there is no colour map {name!r}", f"Try {', '.join(near or ['viridis', 'magma', 'Greys'])}.")


@cache
def sampled(name: str) -> np.ndarray:
    """256 colours of that map, uint8 `[256, 3]`."""
    from matplotlib import colormaps

    colours = colormaps[name](np.linspace(0, 1, 256), bytes=True)[:, :3]
    colours.flags.writeable = False
    return np.asarray(colours)
