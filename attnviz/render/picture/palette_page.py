"""A page of pixels in 256 colours, written as PNG without a figure, so that pictures are drawn quickly."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags

from attnviz.render.picture import fonts
from attnviz.render.picture.letters import Ink, Letters, blended, with_letters
from attnviz.render.picture.mosaic import BACKGROUND, INK, MUTED, alpha, table
from attnviz.render.picture.page import Page
from attnviz.render.scale import Scale

if TYPE_CHECKING:
    from PIL.Image import Image

    from attnviz.render.picture.heatmap import HeatmapPanel

_BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0, "top": 0.0, "bottom": 1.0}
_SLANT = 45


class PalettePage(Page):
    """A page that is an array of indices into `mosaic.table` of one scale. FreeType draws its letters."""

    def __init__(self, *measures: Any, **more: Any) -> None:
        super().__init__(*measures, **more)
        self._over: list[Letters] = []  # on top of weights
        self._others: list[tuple[int, int, np.ndarray, Scale]] = []  # images in the colours of another scale
        self.pixels = np.full((round(self.height * self.dpi), round(self.width * self.dpi)), BACKGROUND, np.uint8)

    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text`, level, with a `rotation` of 90, or upwards from `x`, `y` with one of 45."""
        colour = style.get("color", self.theme.ink)
        if style.get("rotation") == _SLANT:
            files = self._files()
            box, above, before = _ink(text, size, self.dpi, files, _SLANT)
            rise = _line(size, self.dpi, files)[1] * np.sqrt(
                0.5
            )  # the bottom of the line, and not its baseline, begins there
            self._write(round(y * self.dpi - rise) - above, round(x * self.dpi - rise) - before, Ink(box), colour)
            return
        ink = self._set(text, size, is_bold=style.get("fontweight") == "bold")
        if style.get("rotation"):
            ink = Ink(np.rot90(ink.box))
        height, width = ink.box.shape
        va = style.get("va", "top")
        left = round(x * self.dpi - width * _BEFORE[style.get("ha", "left")])
        top = round(y * self.dpi - (ink.middle if va == "center_baseline" else height * _BEFORE[va]))
        self._write(top, left, ink, colour)

    def _write(self, top: int, left: int, ink: Ink, colour: str) -> None:
        """Add ink in that colour, where it is on the page."""
        box = ink.box
        part = self.pixels[max(top, 0) : top + box.shape[0], max(left, 0) : left + box.shape[1]]
        if part.shape != box.shape:  # it goes beyond the page
            box = box[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]]
            top, left, ink = max(top, 0), max(left, 0), Ink(box)
        if (part[box > 0] < BACKGROUND).any():
            self._over.append(Letters(top, left, ink, colour))
            return
        strength = (MUTED if colour == self.theme.muted else INK) - BACKGROUND
        letters = BACKGROUND + np.round(box / 255 * strength).astype(np.uint8)
        part[...] = np.where(box, np.maximum(part, letters), part)

    def image(self, x: float, y: float, image: np.ndarray, scale: Scale | None = None) -> None:
        """Draw `image`."""
        height, width = image.shape
        left, top = round(x * self.dpi), round(y * self.dpi)
        self.pixels[top : top + height, left : left + width] = image
        if scale is not None and scale is not self.scale:
            self._others.append((top, left, image, scale))

    def heatmap(self, x: float, y: float, panel: "HeatmapPanel") -> None:
        """Draw `panel` pixel by pixel."""
        from attnviz.render.picture.heatmap_pixels import HeatmapPixels

        HeatmapPixels(self, x, y, panel).draw()

    def fill(self, top: int, left: int, height: int, width: int, colour: int) -> None:
        """Fill pixels with a colour of `mosaic.table`, where they are on the page."""
        self.pixels[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = colour

    def png(self, metadata: Mapping[str, str]) -> bytes:
        """The page as a PNG file."""
        from PIL.PngImagePlugin import PngInfo

        about = PngInfo()
        for key, value in metadata.items():
            about.add_text(key, value)
        buffer = io.BytesIO()
        page = self._drawn()
        page.save(buffer, "png", pnginfo=about, dpi=(self.dpi, self.dpi), compress_level=3)  # 3 times as fast as 6
        return buffer.getvalue()

    def _drawn(self) -> "Image":
        """The page in 256 colours, if these are enough for it."""
        from PIL import Image

        colours = self._table(self.scale)
        found = None if self._others else with_letters(self.pixels, colours, self._over)
        if found is None:
            return Image.fromarray(self._in_colour())
        pixels, colours = found
        page = Image.fromarray(pixels)
        page.putpalette(colours.tobytes(), "RGBA" if self.transparent else "RGB")
        return page

    def _in_colour(self) -> np.ndarray:
        """The page in true colours, uint8 `[row, column, …]`."""
        page = self._table(self.scale)[self.pixels]
        for top, left, image, scale in self._others:
            page[top : top + image.shape[0], left : left + image.shape[1]] = self._table(scale)[image]
        for letters in self._over:
            at = letters.places
            page[at] = blended(page[at], letters.colour, letters.ink.strengths)
        return np.asarray(page)

    def _table(self, scale: Scale) -> np.ndarray:
        """The colours, RGB; on a transparent page RGBA, with the edges of letters half transparent."""
        colours = table(scale)
        if not self.transparent:
            return colours
        colours[BACKGROUND:MUTED] = colours[MUTED]
        return np.column_stack([colours, alpha()])

    def _set(self, text: str, size: float, is_bold: bool) -> Ink:
        """`text` as ink in a box of the usual line height."""
        return _level(text, size, self.dpi, self._files(is_bold))

    def _files(self, is_bold: bool = False) -> tuple[str, ...]:
        return (fonts.bold(),) * is_bold + self.typesetting.files


@lru_cache(maxsize=2048)  # the weights of many pictures are written with the same few numbers
def _level(text: str, size: float, dpi: int, files: tuple[str, ...]) -> Ink:
    """`text` as ink in a box of the usual line height."""
    ink, above, _ = _ink(text, size, dpi, files)
    line = _line(size, dpi, files)
    missing = (max(has - needs, 0) for has, needs in zip(line, (above, len(ink) - above), strict=True))
    return Ink(np.pad(ink, (tuple(missing), (0, 0))), max(line[0], above) / 2)


@lru_cache(maxsize=64)
def _line(size: float, dpi: int, files: tuple[str, ...]) -> tuple[int, int]:
    """The rows of a line of text above and below its baseline."""
    line, above, _ = _ink("lp", size, dpi, files)
    return above, len(line) - above


def _ink(text: str, size: float, dpi: int, files: tuple[str, ...], angle: int = 0) -> tuple[np.ndarray, int, int]:
    """`text` as ink, and where its baseline begins: the number of rows above, and of columns before.

    Level text is as wide as its advance.
    """
    font = get_font(list(files))
    font.set_size(size, dpi)
    font.set_text(text, angle, flags=LoadFlags.NO_HINTING)
    font.draw_glyphs_to_bitmap(antialiased=True)
    ink, (width, height) = np.asarray(font.get_image()), font.get_width_height()  # in 64ths of a pixel
    above, offset = (height - font.get_descent()) // 64 + 1, round(font.get_bitmap_offset()[0] / 64)
    if angle:
        return ink, above, -offset
    before = max(offset, 0)
    after = max(round(width / 64) - before - ink.shape[1], 0)
    return np.pad(ink, ((0, 0), (before, after))), above, 0
