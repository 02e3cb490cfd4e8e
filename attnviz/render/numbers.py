"""A weight as it is written: in a cell, beside a row, below a token."""


def number(weight: float) -> str:
    """A weight in at most three characters: `.52`, `1.0`, or a dot for what would be `.00`."""
    if weight < 0.005:
        return "·"
    return "1.0" if weight >= 0.995 else f"{weight:.2f}"[1:]
