"""Balanced rows: no row is much shorter than the others."""

import pytest

from attnviz.render.balanced_rows import balanced


@pytest.mark.parametrize(("count", "most", "expected"), [(12, 10, 6), (12, 12, 12), (13, 12, 7), (1, 5, 1), (9, 4, 3)])
def test_rows_are_balanced(count: int, most: int, expected: int) -> None:
    assert balanced(count, most) == expected
