"""A page of pixels in 256 colours, written as PNG without a figure, so that thousands of heads are drawn quickly."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags

from attnviz.render.picture.mosaic import BACKGROUND, INK, MUTED, alpha, rgb, table
from attnviz.render.picture.page import Page
from attnviz.render.scale import Scale

_BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0, "top": 0.0, "bottom": 1.0}


class PalettePage(Page):
    """A page that is an array of indices into `mosaic.table` of one scale. FreeType draws its letters."""

    def __init__(self, *measures: Any, **more: Any) -> None:
        super().__init__(*measures, **more)
        self._lines: dict[float, tuple[int, int]] = {}  # rows above and below the baseline, by size
        self._inks: dict[tuple[str, float], tuple[np.ndarray, float]] = {}
        self._over: list[tuple[int, int, np.ndarray, str]] = []  # letters on top of weights, and their colour
        self.pixels = np.full((round(self.height * self.dpi), round(self.width * self.dpi)), BACKGROUND, np.uint8)

    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write `text`, level or with a `rotation` of 90."""
        box, middle = self._inks.get((text, size)) or self._inks.setdefault((text, size), self._set(text, size))
        if style.get("rotation"):
            box = np.rot90(box)
        height, width = box.shape
        va = style.get("va", "top")
        left = round(x * self.dpi - width * _BEFORE[style.get("ha", "left")])
        top = round(y * self.dpi - (middle if va == "center_baseline" else height * _BEFORE[va]))
        part = self.pixels[max(top, 0) : top + height, max(left, 0) : left + width]
        box = box[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]]
        if (part < BACKGROUND).any():
            self._over.append((max(top, 0), max(left, 0), box, style.get("color", self.theme.ink)))
            return
        strength = (MUTED if style.get("color") == self.theme.muted else INK) - BACKGROUND
        letters = BACKGROUND + np.round(box / 255 * strength).astype(np.uint8)
        part[...] = np.where(box, np.maximum(part, letters), part)

    def image(self, x: float, y: float, image: np.ndarray, scale: Scale | None = None) -> None:
        """Draw `image`."""
        height, width = image.shape
        left, top = round(x * self.dpi), round(y * self.dpi)
        self.pixels[top : top + height, left : left + width] = image

    def png(self, metadata: Mapping[str, str]) -> bytes:
        """The page as a PNG file."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        about = PngInfo()
        for key, value in metadata.items():
            about.add_text(key, value)
        page = Image.fromarray(self._in_colour() if self._over else self.pixels)
        if not self._over:
            page.putpalette(self._table().tobytes(), "RGBA" if self.transparent else "RGB")
        buffer = io.BytesIO()
        page.save(buffer, "png", pnginfo=about, dpi=(self.dpi, self.dpi), compress_level=3)  # 3 times as fast as 6
        return buffer.getvalue()

    def _in_colour(self) -> np.ndarray:
        """The page in true colours, uint8 `[row, column, …]`: letters on weights need more than 256."""
        page = self._table()[self.pixels]
        for top, left, box, colour in self._over:
            part = page[top : top + box.shape[0], left : left + box.shape[1]]
            part[..., :3] = np.round(part[..., :3] + (np.array(rgb(colour)) - part[..., :3]) * (box[..., None] / 255))
            part[..., 3:] = np.maximum(part[..., 3:], box[..., None])
        return np.asarray(page)

    def _table(self) -> np.ndarray:
        """The colours, RGB; on a transparent page RGBA, with the edges of letters half transparent."""
        colours = table(self.scale)
        if not self.transparent:
            return colours
        colours[BACKGROUND:MUTED] = colours[MUTED]
        return np.column_stack([colours, alpha()])

    def _set(self, text: str, size: float) -> tuple[np.ndarray, float]:
        """`text` as ink, uint8 `[row, column]`, in a box of the usual line height; half the height of its baseline."""
        if size not in self._lines:
            line, above = self._ink("lp", size)
            self._lines[size] = above, len(line) - above
        ink, above = self._ink(text, size)
        missing = (max(has - needs, 0) for has, needs in zip(self._lines[size], (above, len(ink) - above), strict=True))
        return np.pad(ink, (tuple(missing), (0, 0))), max(self._lines[size][0], above) / 2

    def _ink(self, text: str, size: float) -> tuple[np.ndarray, int]:
        """`text` as ink, as wide as its advance, and the number of its rows above the baseline."""
        font = get_font(list(self.typesetting.files))
        font.set_size(size, self.dpi)
        font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
        font.draw_glyphs_to_bitmap(antialiased=True)
        ink, (width, height) = np.asarray(font.get_image()), font.get_width_height()  # in 64ths of a pixel
        before = max(round(font.get_bitmap_offset()[0] / 64), 0)
        after = max(round(width / 64) - before - ink.shape[1], 0)
        return np.pad(ink, ((0, 0), (before, after))), (height - font.get_descent()) // 64 + 1
