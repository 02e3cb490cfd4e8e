"""How many items a row has, so that no row is much shorter than the others."""


def balanced(count: int, most: int) -> int:
    """The items per row for `count` items where at most `most` fit: 6 for 12 items where 10 fit, not 10 and 2."""
    rows = -(-count // most)
    return -(-count // rows)
