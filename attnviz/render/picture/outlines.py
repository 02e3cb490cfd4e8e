"""Which text is drawn as outlines: text that matplotlib would not write correctly into SVG and PDF."""

from typing import TYPE_CHECKING

from matplotlib.font_manager import fontManager, get_font

from attnviz.render.bidi import runs_left
from attnviz.render.picture import fonts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def outline(figure: "Figure") -> None:
    """Draw that text as outlines which matplotlib (3.11.2) would not write correctly into SVG and PDF.

    In right-to-left text, its PDF misplaces a letter after a direction mark from another part of the font, and its SVG
    has the marks in comments. A font with PostScript outlines, such as the CJK font, is embedded in a PDF as if it were
    TrueType, which some readers refuse.
    """
    from matplotlib.patheffects import Normal
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if runs_left(text.get_text()) or _is_postscript(text.get_text(), tuple(text.get_fontfamily())):
            text.set_path_effects([Normal()])


def _is_postscript(text: str, family: tuple[str, ...]) -> bool:
    """Whether a font of `family` with PostScript outlines might draw a part of `text`."""
    if text.isascii() or all(fonts.draws(get_font(fonts.latin()), piece) for piece in fonts.clusters(text)):
        return False
    return any(fonts.has_postscript_outlines(entry.fname) for entry in fontManager.ttflist if entry.name in family)
