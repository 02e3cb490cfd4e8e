"""matplotlib's colour maps by name. This module is imported only where a colour map is named."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Union

import numpy as np

from attnviz.arguments import require_type
from attnviz.errors import PlotOptionError
from attnviz.render.colours import Colours

if TYPE_CHECKING:
    from matplotlib.colors import Colormap


def colour_maps() -> list[str]:
    """The names of all colour maps, without the reversed ones (viridis_r)."""
    from matplotlib import colormaps

    return [name for name in colormaps if not name.endswith("_r")]


def require(cmap: Union[str, "Colormap"]) -> None:
    """Raise PlotOptionError unless `cmap` is a colour map, or the name of one that matplotlib knows.

    The hint lists similar names. The maps of another package are known once it is imported: `rocket` with seaborn.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Colormap

    require_type(
        "cmap", cmap, (str, Colormap), PlotOptionError, "cmap: a name such as viridis, or a Colormap of matplotlib."
    )
    if isinstance(cmap, str) and cmap not in colormaps:
        folded = {known.lower(): known for known in colormaps}
        near = [folded[found] for found in get_close_matches(cmap.lower(), folded, 4, 0.5)]
        raise PlotOptionError(
            f"there is no colour map {cmap!r}", f"Try {', '.join(near or ['viridis', 'magma', 'Greys'])}."
        )


def sampled(cmap: Union[str, "Colormap"]) -> Colours:
    """256 colours of that map, uint8 `[256, 3]`."""
    from matplotlib import colormaps

    colour_map = colormaps[cmap] if isinstance(cmap, str) else cmap
    colours = colour_map(np.linspace(0, 1, 256), bytes=True)[:, :3]
    colours.flags.writeable = False
    return np.asarray(colours)
