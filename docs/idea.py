"""Draws the picture of the idea: python docs/idea.py writes docs/idea.svg.

Two models with one mean gradient, and of each the gradients of training sets of four samples. The
numbers come from the package; the training sets stand at the quantiles of a normal distribution.
"""

import math
from pathlib import Path

import numpy as np

import gsnr_ref

N = 4  # samples in a training set
MEAN = np.array([80.0, -10.0])  # pixels, downwards: the mean gradient
N_SETS = 20
PANEL, HEIGHT, MARGIN = 400, 400, 20
INK, SOFT, TRAINING, TEST = (
    "#1b1b1b",
    "#5f6368",
    "#0072b2",
    "#d55e00",
)  # told apart by the colour-blind


def moments(gsnr: float) -> gsnr_ref.GradientMoments:
    """Of a model of this GSNR: noise of one size in each of two parameters."""
    variance = np.full(2, float(MEAN @ MEAN) / gsnr / 2)
    return gsnr_ref.GradientMoments(1, MEAN, variance)


def gradients(gsnr: float) -> list[np.ndarray]:
    """Mean gradients of training sets: at quantiles of the radius, turned by the golden angle."""
    spread = math.sqrt(float(moments(gsnr).variance()[0]) / N)
    found = []
    for k in range(N_SETS):
        radius = spread * math.sqrt(-2 * math.log(1 - (k + 0.5) / N_SETS))
        angle = -1.6 + k * math.pi * (3 - math.sqrt(5))
        found.append(MEAN + radius * np.array([math.cos(angle), math.sin(angle)]))
    return found


def arrow(start: np.ndarray, end: np.ndarray, colour: str, width: float, opacity: float) -> str:
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    size = 3 + 2.2 * width
    base = end - size * along
    head = " ".join(
        f"{x:.1f},{y:.1f}" for x, y in (end, base + size * across / 2.4, base - size * across / 2.4)
    )
    return (
        f'<g opacity="{opacity}"><line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{base[0]:.1f}" '
        f'y2="{base[1]:.1f}" stroke="{colour}" stroke-width="{width}"/>'
        f'<polygon points="{head}" fill="{colour}"/></g>'
    )


def text(
    x: float, y: float, words: str, size: int = 15, colour: str = INK, weight: int = 400
) -> str:
    style = f'font-size="{size}" fill="{colour}" font-weight="{weight}"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{words}</text>'


def panel(left: float, title: str, gsnr: float) -> list[str]:
    """A cloud of arrows, and under it how much of the training decrease the test loss shares."""
    ratio = float(gsnr_ref.predicted_osgr(moments(gsnr), N))
    x = left + MARGIN
    start = np.array([left + 120.0, 180.0])
    drawn = [
        text(x, 34, title, 17, weight=700),
        text(x, 56, f"GSNR of the model {gsnr:g}, {N} samples a set", 14, SOFT),
    ]
    drawn += [arrow(start, start + g, TRAINING, 1.4, 0.5) for g in gradients(gsnr)]
    drawn += [arrow(start, start + MEAN, TEST, 4, 1)]
    drawn += [text(x, 304, "an arrow a training set; their mean in orange", 13, SOFT)]
    width = PANEL - 2 * MARGIN - 60
    for y, share, colour, words in (
        (332, 1.0, TRAINING, "training loss falls by 1"),
        (374, ratio, TEST, f"test loss falls by {ratio:.2f}"),
    ):
        drawn += [text(x, y - 5, words, 14)]
        drawn += [
            f'<rect x="{x:g}" y="{y}" width="{width * share:.1f}" height="12" fill="{colour}"/>'
        ]
    return drawn


def picture() -> str:
    """The picture as SVG."""
    small, large = (gsnr_ref.predicted_osgr(moments(r), N) for r in (0.25, 4.0))
    alternative = (
        "Left, small GSNR: the gradients of training sets of four samples point in many "
        f"directions, and the test loss falls by {small:.2f} of what the training loss does. "
        f"Right, large GSNR: they nearly agree, and the test loss falls by {large:.2f} of it."
    )
    body = [
        f'<rect x="1" y="1" width="{2 * PANEL - 2}" height="{HEIGHT - 2}" rx="8" fill="#ffffff" '
        'stroke="#c8ccd0"/>',
        f'<line x1="{PANEL}" y1="16" x2="{PANEL}" y2="{HEIGHT - 16}" stroke="#c8ccd0"/>',
        *panel(0, "Training sets disagree", 0.25),
        *panel(PANEL, "Training sets agree", 4.0),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * PANEL} {HEIGHT}" role="img" '
        f'width="{2 * PANEL}" height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif">'
    )
    return "\n".join([head, f"<title>{alternative}</title>", *body, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(picture(), encoding="utf-8")
