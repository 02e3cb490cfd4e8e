"""Letters over weights on a page of 256 colours: their edges get the colours that are free."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from PIL import Image

from attnviz.render.picture.mosaic import WEIGHTS, rgb

LEVELS = 16
"""How many strengths of ink there are at the edges of letters over weights."""
APART = 24
"""The most, of 255, that the red, green or blue at the edge of a letter may differ from what it should be."""


class Ink:
    """A text as it is drawn: `box` is how strong its ink is in each pixel, uint8 `[row, column]`.

    `middle` is the number of rows from the top to the middle of the letters above the baseline.
    """

    def __init__(self, box: np.ndarray, middle: float = 0.0) -> None:
        self.box, self.middle = box, middle

    @cached_property
    def inked(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows and columns of the pixels with ink."""
        rows, columns = np.nonzero(self.box)
        return rows, columns

    @cached_property
    def strengths(self) -> np.ndarray:
        """How strong the ink is in each of these pixels, from 0 to 1, in LEVELS steps."""
        levels: np.ndarray = np.round(self.box[self.inked] / 255 * (LEVELS - 1))
        return levels / (LEVELS - 1)


class Letters(NamedTuple):
    """Ink of a colour, and the row and the column of the page at which its box begins."""

    top: int
    left: int
    ink: Ink
    colour: str

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows and columns of the page with ink."""
        rows, columns = self.ink.inked
        return rows + self.top, columns + self.left


def blended(under: np.ndarray, colour: str, strengths: np.ndarray) -> np.ndarray:
    """Colours, uint8 `[pixel, RGB or RGBA]`, under ink of a `colour` in these `strengths`."""
    ink = np.array([*rgb(colour), 255][: under.shape[1]])
    mixed: np.ndarray = np.round(under + (ink - under) * strengths[:, None]).astype(np.uint8)
    if under.shape[1] == 4:  # ink does not make anything more transparent
        mixed[:, 3] = np.maximum(mixed[:, 3], under[:, 3])
    return mixed


def with_letters(
    pixels: np.ndarray, colours: np.ndarray, letters: Sequence[Letters]
) -> tuple[np.ndarray, np.ndarray] | None:
    """`pixels`, indices of `colours`, with `letters` over them, and the new colours; None where 256 are too few."""
    if not letters:
        return pixels, colours
    places = [np.concatenate(axis) for axis in zip(*(one.places for one in letters), strict=True)]
    under = pixels[tuple(places)]
    inks = sorted({one.colour for one in letters})
    sizes = [len(one.ink.strengths) for one in letters]
    which = np.repeat([inks.index(one.colour) for one in letters], sizes)
    strengths = np.concatenate([one.ink.strengths for one in letters])
    levels = np.round(strengths * (LEVELS - 1)).astype(np.int32)
    keys = (which * 256 + under) * LEVELS + levels
    mixes = np.flatnonzero(np.bincount(keys, minlength=len(inks) * 256 * LEVELS))
    mixed = np.empty((len(mixes), colours.shape[1]), np.uint8)
    for index, ink in enumerate(inks):
        own = mixes // (256 * LEVELS) == index
        mixed[own] = blended(colours[mixes[own] // LEVELS % 256], ink, mixes[own] % LEVELS / (LEVELS - 1))
    free = _free(pixels)
    found, index_of = _fewer(mixed, len(free))
    if np.abs(found[index_of].astype(int) - mixed).max(initial=0) > APART:
        return None
    slots = free[: len(found)]
    of_key = np.zeros(len(inks) * 256 * LEVELS, np.uint8)
    of_key[mixes] = slots[index_of]
    drawn, colours = _without(pixels, slots), colours.copy()
    drawn[tuple(places)] = of_key[keys]
    colours[slots] = found
    return drawn, colours


def _fewer(colours: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` of `colours`, or colours near them, and which of these each one is."""
    found, index_of = np.unique(colours, axis=0, return_inverse=True)
    if len(found) <= most or most == 0:
        return found[: max(most, 1)], np.minimum(index_of.ravel(), max(most, 1) - 1)
    few = Image.fromarray(found[None, :, :3]).quantize(most, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    kept = np.array(few.getpalette("RGB"), np.uint8).reshape(-1, 3)
    if colours.shape[1] == 4:
        kept = np.column_stack([kept, np.full(len(kept), 255, np.uint8)])
    return kept, np.asarray(few)[0][index_of.ravel()]


def _free(pixels: np.ndarray) -> np.ndarray:
    """The indices of colours of weights that can be replaced: those that are not seen, then every second, rare first.

    Most pixels of the rare ones are in the colour bar.
    """
    counts = np.array(Image.fromarray(np.ascontiguousarray(pixels[:, ::3])).histogram()[:WEIGHTS])
    unseen, seconds = np.flatnonzero(counts == 0), np.arange(1, WEIGHTS, 2)
    seen = seconds[counts[seconds] > 0]
    return np.concatenate([unseen, seen[np.argsort(counts[seen], kind="stable")]])


def _without(pixels: np.ndarray, replaced: np.ndarray) -> np.ndarray:
    """A copy of `pixels` in which pixels of a replaced colour have the nearest one that stays."""
    stay = np.setdiff1d(np.arange(WEIGHTS), replaced)
    moved = np.arange(256, dtype=np.uint8)
    moved[replaced] = stay[np.abs(stay - replaced[:, None]).argmin(1)] if len(stay) else 0
    copy = bytearray(pixels.tobytes().translate(moved.tobytes()))  # much faster than indexing
    return np.frombuffer(copy, np.uint8).reshape(pixels.shape)
