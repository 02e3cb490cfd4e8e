"""Which text is drawn as outlines: what matplotlib would not write right into SVG and PDF."""

from typing import TYPE_CHECKING

from matplotlib.font_manager import fontManager, get_font

from attnviz.render.bidi import runs_left
from attnviz.render.picture import fonts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def outline(figure: "Figure") -> None:
    """Have the text drawn as outlines that matplotlib would not write right into SVG and PDF (3.11.2).

    Of text that runs from right to left its PDF moves a letter that follows a mark of direction in another part of its
    font, and its SVG has the marks in comments. A font whose outlines are PostScript's, as the CJK font's are, it
    embeds in a PDF as though it were TrueType, which readers may refuse.
    """
    from matplotlib.patheffects import Normal
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if runs_left(text.get_text()) or _is_postscript(text.get_text(), tuple(text.get_fontfamily())):
            text.set_path_effects([Normal()])


def _is_postscript(text: str, family: tuple[str, ...]) -> bool:
    """Whether a font of `family` with PostScript's outlines may draw a part of `text`."""
    if text.isascii() or all(fonts.draws(get_font(fonts.latin()), piece) for piece in fonts.clusters(text)):
        return False
    return any(fonts.has_postscript_outlines(entry.fname) for entry in fontManager.ttflist if entry.name in family)
