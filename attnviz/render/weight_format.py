"""A weight as text: in a cell, beside a row, below a token."""


def format_weight(weight: float) -> str:
    """A weight in three characters, `.52` or `1.0`; with its sign where that is negative, `−.30`; a dot for 0.00.

    A weight of attention is from 0 to 1; a difference of two is from −1 to 1.
    """
    size = abs(weight)
    if size < 0.005:
        return "·"
    written = f"{size:.1f}" if size >= 0.995 else f"{size:.2f}"[1:]
    return written if weight > 0 else f"−{written}"
