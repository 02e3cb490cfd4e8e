"""The colours of weights: on light pages from white to ink, on dark ones from ink to cream, in print in greys."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.uint8]
"""sRGB from 0 to 255, `[…, 3]`."""

# Lightness, green-red, blue-yellow in OKLab (Ottosson 2020). Lightness only rises, or only falls, so that a map can
# also be read in grey, and by readers who cannot tell red from green.
_ANCHORS = {
    "white": np.array(
        [
            [1.00, 0.000, 0.000],
            [0.93, 0.018, 0.040],
            [0.83, 0.070, 0.075],
            [0.70, 0.142, 0.055],
            [0.57, 0.165, -0.015],
            [0.43, 0.120, -0.095],
            [0.30, 0.050, -0.110],
            [0.20, 0.010, -0.055],
        ]
    ),
    "violet": np.array(
        [
            [0.22, 0.000, -0.045],
            [0.35, 0.045, -0.120],
            [0.49, 0.125, -0.090],
            [0.63, 0.165, 0.020],
            [0.78, 0.075, 0.115],
            [0.96, -0.015, 0.090],
        ]
    ),
    "grey": np.array([[0.95, 0.0, 0.0], [0.15, 0.0, 0.0]]),  # not white, which means a masked cell
    "lilac": np.array([[1.0, 0.0, 0.0], [0.72, 0.05, -0.10], [0.40, 0.06, -0.16]]),
    "rust": np.array([[1.0, 0.0, 0.0], [0.74, 0.09, 0.09], [0.42, 0.13, 0.07]]),
    "teal": np.array([[0.26, 0.0, -0.015], [0.52, -0.06, -0.03], [0.87, -0.08, -0.03]]),
    "amber": np.array([[0.26, 0.0, -0.015], [0.52, 0.03, 0.045], [0.87, 0.03, 0.11]]),
}
_TO_LMS = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@cache
def palette(name: str = "violet") -> Colours:
    """256 colours, uint8 `[256, 3]`, from weight 0 to the largest, at equal perceived steps."""
    anchors = _ANCHORS[name]
    dense = _curve(anchors, np.linspace(0, 1, 1024))
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))])
    even = np.interp(np.linspace(0, walked[-1], 256), walked, np.linspace(0, 1, 1024))
    colours = np.round(_srgb(_curve(anchors, even)) * 255).astype(np.uint8)
    colours.flags.writeable = False
    return colours


def ink(colour: Colours) -> str:
    """The colour of text on `colour`, uint8 `[3]`: `#ffffff` or `#000000`, whichever has more contrast by WCAG 2."""
    light = float(_linear(colour / 255) @ [0.2126, 0.7152, 0.0722])
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 else "#000000"


def oklab(colours: Colours) -> np.ndarray:
    """Colours, uint8 `[…, 3]`, in OKLab: lightness, green-red, blue-yellow. Equal distances there look equal."""
    to_lms, to_lab = np.linalg.inv(_TO_RGB), np.linalg.inv(_TO_LMS)
    return np.asarray(np.cbrt(_linear(colours / 255) @ to_lms.T) @ to_lab.T)


def _curve(anchors: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """A cubic Hermite spline through the anchors: `positions` from 0 to 1 → OKLab `[…, 3]`."""
    steps = len(anchors) - 1
    slopes = np.gradient(anchors, axis=0)
    i = np.minimum((positions * steps).astype(int), steps - 1)
    t = (positions * steps - i)[:, None]
    joined: np.ndarray = (
        (2 * t**3 - 3 * t**2 + 1) * anchors[i]
        + (t**3 - 2 * t**2 + t) * slopes[i]
        + (3 * t**2 - 2 * t**3) * anchors[i + 1]
        + (t**3 - t**2) * slopes[i + 1]
    )
    return joined


def _srgb(lab: np.ndarray) -> np.ndarray:
    """OKLab `[…, 3]` → sRGB from 0 to 1, `[…, 3]`."""
    rgb = np.clip((lab @ _TO_LMS.T) ** 3 @ _TO_RGB.T, 0, 1)
    return np.asarray(np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055))


def _linear(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4))
