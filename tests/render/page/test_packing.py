"""Weights as the page keeps them: how far off, how small, in which order."""

import zlib
from base64 import b64decode

import numpy as np
import pytest

from attnviz.render.page.packing import packed, packed_matrix, packed_numbers, steps


def unpacked(text: str, bits: int) -> np.ndarray:
    """The steps again, by the rule that the page follows."""
    data = np.frombuffer(zlib.decompress(b64decode(text), -15), np.uint8)
    if bits == 8:
        return data
    low, high = data.reshape(2, -1).astype(np.uint16)
    return low | high << 8


@pytest.mark.parametrize(("bits", "most"), [(8, 0.004), (16, 0.00002)])
def test_no_weight_is_moved_by_more_than_is_said(bits, most):
    weights = np.linspace(0, 1, 100_001, dtype=np.float32)
    kept = (steps(weights, bits) / (2**bits - 1)) ** 2
    assert np.abs(kept - weights).max() <= most
    assert np.abs(kept - weights).max() > most / 4  # so that what is said is not idle


def test_the_steps_of_weights_are_those_worked_out_by_hand():
    assert steps(np.float32([0, 0.25, 1]), 8).tolist() == [0, 128, 255]  # √0.25 · 255 = 127.5, to the even one
    assert steps(np.float32([0, 1, 1.00004]), 16).tolist() == [0, 65535, 65535]


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_packed_is_unpacked(bits):
    numbers = steps(np.random.default_rng(0).random(999), bits)
    assert unpacked(packed(numbers), bits).tolist() == numbers.tolist()


def test_of_a_causal_head_only_the_cells_that_a_query_sees_are_packed():
    matrix = np.float32([[1, 0, 0], [0.25, 0.75, 0], [0.25, 0.25, 0.5]])
    kept = unpacked(packed_matrix(matrix, np.tri(3, dtype=bool), 8), 8)
    assert kept.tolist() == steps(np.float32([1, 0.25, 0.75, 0.25, 0.25, 0.5]), 8).tolist()


def test_other_numbers_keep_sixteen_digits_of_two_and_infinity():
    numbers = np.float32([0, 1, -1, 1 / 3, -4e-5, 70000.5, -np.inf, *np.random.default_rng(0).normal(0, 30, 999)])
    planes = np.frombuffer(zlib.decompress(b64decode(packed_numbers(numbers)), -15), np.uint8).reshape(3, -1)
    low, middle, high = planes.astype(np.uint32)
    kept = (low << 8 | middle << 16 | high << 24).view(np.float32)
    assert kept[:3].tolist() == [0, 1, -1]
    assert kept[6] == -np.inf
    rest = np.isfinite(numbers) & (numbers != 0)
    off = np.abs(kept[rest] / numbers[rest].astype(np.float64) - 1).max()
    assert 2**-17 < off <= 2**-16
