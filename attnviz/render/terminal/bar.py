"""A number as a bar in the terminal."""

from math import isnan

from rich.text import Text

from attnviz.render.terminal.colours import Brush

BAR = 6
"""The length of the longest bar, in terminal cells."""
_PARTS = ("", *"▏▎▍▌▋▊▉")


def bar(value: float, longest: float, brush: Brush) -> Text:
    """A bar of the length |`value`| / `longest`, padded to BAR cells and a space."""
    eighths = 0 if isnan(value) or not longest else round(abs(value) / longest * BAR * 8)
    whole, part = divmod(eighths, 8)
    drawn = "█" * whole + _PARTS[part] if brush.blocks else "#" * round(eighths / 8)
    return Text(f"{drawn:<{BAR}} ")
