"""Weights as text that is small: few bits on a square-root scale, compressed, in base64. Other numbers with 24 bits."""

import zlib
from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import CellFlags, Matrix

LEVEL = 6
"""Of zlib's compression; higher ones take longer and save nothing."""

Steps = NDArray[np.unsignedinteger[Any]]
"""Weights as numbers of steps on the square-root scale."""


def steps(weights: np.ndarray, bits: int) -> Steps:
    """`weights`, from 0 to 1, on a scale of `2 ** bits` steps that is even in their square roots; of the same shape.

    `(step / (2 ** bits - 1)) ** 2` is the weight again. It is off by at most 0.004 with 8 bits, at a weight near 1, and
    by less the smaller the weight is. An even scale would lose what many small weights give together.
    """
    most = 2**bits - 1
    found: Steps = np.rint(np.sqrt(np.clip(weights, 0, 1)) * most).astype(np.uint8 if bits == 8 else np.uint16)
    return found


def packed(numbers: Steps) -> str:
    """`numbers` compressed (raw deflate) and in base64. Of 16 bits, all low bytes stand before all high bytes."""
    return _text(numbers.reshape(-1, 1).view(np.uint8).T if numbers.dtype == np.uint16 else numbers)


def packed_matrix(matrix: Matrix, may: CellFlags, bits: int) -> str:
    """The cells of `matrix` in which a query may look at a key, row after row, packed."""
    return packed(steps(matrix[may], bits))


def packed_numbers(numbers: NDArray[np.float32]) -> str:
    """`numbers`, −∞ among them, without the lowest 8 bits of their 32, packed: off by at most 0.0016 %.

    As in 16 bits, the lowest bytes of all stand first. Half as many bits of a mantissa, as of float16, would be seen in
    a score: it is a sum of up to some hundred products, of which a few can be large.
    """
    bits = np.ascontiguousarray(numbers, "<f4").view("<u4")
    rounded = (bits + np.uint32(0x80)) >> np.uint32(8)
    return _text(rounded.reshape(-1, 1).view(np.uint8)[:, :3].T)


def _text(planes: NDArray[np.unsignedinteger[Any]]) -> str:
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b64encode(compressor.compress(planes.tobytes()) + compressor.flush()).decode()
