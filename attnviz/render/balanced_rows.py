"""How many stand side by side, so that no row is much shorter than the others."""


def balanced(count: int, most: int) -> int:
    """How many of `count` stand in each row where at most `most` fit: of 12 where 10 fit it is 6, not 10 and 2."""
    rows = -(-count // most)
    return -(-count // rows)
