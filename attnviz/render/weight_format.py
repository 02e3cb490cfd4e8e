"""Numbers as text: a weight in a cell, beside a row or below a token, a share of many weights, an offset."""


def format_weight(weight: float) -> str:
    """A weight in three characters, `.52` or `1.0`; with its sign where that is negative, `−.30`; a dot for 0.00.

    A weight of attention is from 0 to 1; a difference of two is from −1 to 1.
    """
    size = abs(weight)
    if size < 0.005:
        return "·"
    written = f"{size:.1f}" if size >= 0.995 else f"{size:.2f}"[1:]
    return written if weight > 0 else f"−{written}"


def format_share(share: float) -> str:
    """A share in percent; two significant digits if it is below 10 %: `54%`, `3.4%`, `0.34%`."""
    percent = 100 * share
    digits = 0 if percent >= 9.95 or not percent else 1 if percent >= 0.995 else 2
    return f"{percent:.{digits}f}%"


def format_offset(offset: int) -> str:
    """A distance in tokens or words with its sign: `+1`, `−3`, `0`."""
    return f"{offset:+d}".replace("-", "−") if offset else "0"
