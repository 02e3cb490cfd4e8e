"""Which of the palette's colours a weight is drawn in, worked out apart from the code that draws."""

import numpy as np


def shade(weights: np.ndarray, top: float) -> np.ndarray:
    """The palette's index, uint8, for each weight on a scale from 0 to `top`; what lies above is drawn as `top`."""
    return np.round(np.clip(weights / top, 0, 1) * 255).astype(np.uint8)
