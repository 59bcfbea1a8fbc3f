"""The pictures of the book: one function each, drawn by ``draw`` at the time the pages are built.

``python docs/book/pictures.py FOLDER [LANGUAGE]`` draws them by hand. Text stays text, so that it
can be searched, read aloud and translated. Every number comes from the package.
"""

import sys
import warnings
from fractions import Fraction as F
from itertools import product
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy import array

import gsnr_ref
from gsnr_ref import related
from gsnr_ref.closed_form import location_model, trained_location_model
from gsnr_ref.osgr.enumerated import count_vectors, multinomial_probability
from gsnr_ref.osgr.step import step
from toy_models import MLP, FinitePopulation, LinearRegression

# Dark blue, orange and grey differ in brightness as well: for the colour-blind, and in print.
BLUE, ORANGE, GREY, INK, CARD = "#0b4f8a", "#e08a1e", "#8a8f94", "#1d2429", "#fbfaf6"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gsnr_ref",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": CARD,
    "axes.facecolor": CARD,
    "lines.linewidth": 2.2,
}
#: What a Chinese picture says where an English one says the key.
CHINESE = {
    "loss": "损失",
    "gradient by θ₁": "对 θ₁ 的梯度",
    "gradient by θ₂": "对 θ₂ 的梯度",
    "probability": "概率",
    "no gap": "没有间隙",
    "mean of ratios": "比的平均",
    "mean": "平均",
    "decrease of the training loss": "训练损失的下降",
    "decrease of the test loss": "测试损失的下降",
    "width: share Wⱼ of the training decrease": "宽：训练损失下降的份额 Wⱼ",
    "height: Rⱼ": "高：Rⱼ",
    "filled area": "填色的面积",
    "tangent": "切线",
    "learning rate λ": "学习率 λ",
    "a fresh toss": "另掷一次",
    "first step η": "第一步 η",
    "plug-in": "代入估计",
    "debiased": "去偏估计",
    "true r": "真实的 r",
    "mean estimate": "估计的平均",
    "share p of random labels": "随机标签的比例 p",
    "first layer trained": "第一层可训练",
    "first layer frozen": "第一层冻结",
    "step": "步数",
    "samples n": "样本数 n",
}

TOSSES = [F(1), F(3)]
COIN = FinitePopulation(array([[F(1)], [F(1)]]), array(TOSSES), [F(1, 2)] * 2)
MODEL, START = LinearRegression(1, bias=False), {"linear.weight": array([[F(0)]])}
TWO = gsnr_ref.GradientMoments.from_samples(
    array([[F(a), F(b)] for a, b in product((-1, -3), (5, -3))])
)


def _floats(population):
    return population.x.astype(float), population.y.astype(float)


class Words:
    """Looks a text up in the language of the picture.

    Examples
    --------
    >>> Words("zh")("loss")
    '损失'
    """

    def __init__(self, language):
        self.language = language

    def __call__(self, text):
        return CHINESE[text] if self.language == "zh" else text


def _figure(width=6.4, height=3.6, columns=1, **settings):
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, columns, **settings)


def _arrow(axes, start, end, colour, width=3.0, **settings):
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>,head_length=0.6,head_width=0.3",
            "color": colour,
            "lw": width,
            "shrinkA": 0,
            "shrinkB": 0,
            **settings,
        },
    )


def two_arrows(say):
    """Chapter 1: two losses and two arrows."""
    figure, axes = _figure()
    theta = np.linspace(-0.7, 4.4, 200)
    axes.axvspan(1, 3, color=GREY, alpha=0.2, lw=0)
    for toss, colour, style in ((1, BLUE, "-"), (3, ORANGE, "--")):
        axes.plot(theta, (theta - toss) ** 2 / 2, color=colour, ls=style, label=f"y = {toss}")
        loss = toss**2 / 2
        gradient = gsnr_ref.per_sample_gradients(MODEL, START, COIN.x, COIN.y)["linear.weight"]
        move = -float(gradient.ravel()[(toss - 1) // 2])
        axes.plot([0], [loss], "o", color=colour, ms=8)
        _arrow(axes, (0, loss), (move, loss), colour)
    axes.set(xlabel="θ", ylabel=say("loss"), ylim=(-0.2, 6), xlim=(-0.7, 4.4))
    axes.legend(loc="upper center")
    return figure


def two_clouds(say):
    """Chapter 2: the same mean twice, a tight and a wide cloud."""
    figure, both = _figure(columns=2, sharex=True, sharey=True)
    unit = np.random.default_rng(0).normal(size=(60, 2))
    unit = (unit - unit.mean(axis=0)) / unit.std(axis=0)
    mean = np.array([2.0, 1.0])
    for axes, spread in zip(both, (1 / 3, 2**0.5), strict=True):
        # The spread of each coordinate is its mean over √r, so r is the same for both.
        gradients = mean * (1 + spread * unit)
        ratios = gsnr_ref.gsnr(gsnr_ref.GradientMoments.from_samples(gradients))
        assert np.allclose(ratios, ratios[0])
        axes.plot(*gradients.T, "o", color=ORANGE, alpha=0.55, ms=5, mec=INK, mew=0.3)
        _arrow(axes, (0, 0), mean, BLUE, width=4)
        axes.axhline(0, color=GREY, lw=0.8)
        axes.axvline(0, color=GREY, lw=0.8)
        axes.set_title(f"r = {ratios[0]:.4g}", fontsize=14)
        axes.set_xlabel(say("gradient by θ₁"))
    both[0].set_ylabel(say("gradient by θ₂"))
    return figure


def narrowing(say):
    """Chapter 3: the mean gradient of all training sets, n = 1, 4, 16."""
    figure, three = _figure(columns=3, sharex=True)
    for axes, n in zip(three, (1, 4, 16), strict=True):
        counts = count_vectors(n, 2)
        chances = {
            float(-F(a + 3 * b, n)): float(multinomial_probability((a, b), [F(1, 2)] * 2))
            for a, b in counts
        }
        g, p = np.array(list(chances)), np.array(list(chances.values()))
        spread = np.sqrt(p @ (g + 2) ** 2)
        axes.bar(g, p, width=1.6 / (n + 1), color=BLUE)
        top = p.max()
        axes.plot([-2 - spread, -2 + spread], [-0.1 * top] * 2, color=ORANGE, lw=6)
        axes.set(title=f"n = {n}", xlabel="$g_D$", xlim=(-3.8, -0.2), ylim=(-0.2 * top, 1.1 * top))
        axes.axvline(-2, color=GREY, lw=0.8)
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= 1.1 * top])
        axes.set_xticks([-3, -2, -1])
    three[0].set_ylabel(say("probability"))
    return figure


def two_decreases(say):
    """Chapter 4: a dot a dataset; the slope of the line through the mean is R."""
    figure, axes = _figure()
    rate, dots = F(1, 10), []
    for toss in TOSSES:
        moved = rate * toss
        test = sum((y**2 - (moved - y) ** 2) for y in TOSSES) / 4
        dots.append((float((toss**2 - (moved - toss) ** 2) / 2), float(test)))
    enumerated = gsnr_ref.enumerated_osgr(MODEL, START, COIN, 1, rate)
    slopes = np.mean([test / training for training, test in dots])
    x = np.array([0, 1.0])
    axes.plot(x, x, color=GREY, lw=1, ls=":")
    axes.text(0.76, 0.69, say("no gap"), color=INK, rotation=36, fontsize=11, ha="center")
    axes.plot(x, float(enumerated.value) * x, color=BLUE)
    axes.text(0.9, 0.63, f"R = {enumerated.value}", color=BLUE, ha="left", va="center")
    axes.plot(x, slopes * x, color=ORANGE, ls="--")
    axes.text(0.47, 0.69, say("mean of ratios"), color="#9a5a08", ha="right")
    for (training, test), toss in zip(dots, TOSSES, strict=True):
        axes.plot(training, test, "o", color=INK, ms=10)
        x, y = (training + 0.025, test - 0.06) if toss == 3 else (training - 0.07, test + 0.06)
        axes.text(x, y, f"D = {{{toss}}}", va="center")
    mean = float(enumerated.training_decrease), float(enumerated.test_decrease)
    axes.plot(*mean, "D", color=BLUE, ms=10)
    axes.text(mean[0] + 0.02, mean[1] - 0.03, say("mean"), color=BLUE, va="top")
    axes.set(xlim=(0, 1.08), ylim=(0, 0.8))
    axes.set(xlabel=say("decrease of the training loss"), ylabel=say("decrease of the test loss"))
    return figure


def triangle(say):
    """Chapter 5: a right triangle, R = cos²φ."""
    figure, axes = _figure()
    n = 4
    signal, noise = (float(v) for v in TWO.signal_and_noise())
    a, b = np.sqrt(signal), np.sqrt(noise / n)
    r = gsnr_ref.collapsed_osgr(TWO, n)
    angle = np.degrees(np.arccos(np.sqrt(float(r))))
    axes.add_patch(Rectangle((a - 0.15, 0), 0.15, 0.15, fill=False, ec=GREY, lw=1))
    arc = np.radians(np.linspace(0, angle, 40))
    axes.plot(0.5 * np.cos(arc), 0.5 * np.sin(arc), color=INK, lw=1.2)
    axes.text(0.56, 0.2, f"φ = {angle:.1f}°", va="center")
    axes.plot([a, a], [0, b], color=ORANGE, ls="--", lw=3)
    _arrow(axes, (0, 0), (a, 0), BLUE, width=4)
    _arrow(axes, (0, 0), (a, b), INK, width=2.2)
    axes.text(a / 2, -0.14, r"‖$\tilde g$‖ = √5", color=BLUE, ha="center", va="top")
    axes.text(a + 0.08, b / 2, "√(tr Σ/n) = √(17/4)", color="#9a5a08", va="center")
    axes.text(a / 2 - 0.08, b / 2 + 0.12, "√(E ‖$g_D$‖²) = √(37/4)", ha="right", va="bottom")
    axes.text(a + 0.08, b - 0.1, rf"R = cos²φ = {r}", fontsize=15, va="center")
    axes.set(xlim=(-0.35, 4.2), ylim=(-0.5, 2.3), aspect="equal")
    axes.axis("off")
    return figure


def bars(say):
    """Chapter 6: bars of width W and height R_j, whose area is R."""
    figure, axes = _figure()
    n = 4
    widths, ratios = gsnr_ref.osgr_weights(TWO, n), gsnr_ref.gsnr(TWO)
    left = 0.0
    for width, ratio, name, colour, hatch in zip(
        widths, ratios, ("θ", "b"), (BLUE, ORANGE), ("", "//"), strict=True
    ):
        height = 1 / (1 + 1 / (n * ratio))
        w, h = float(width), float(height)
        axes.add_patch(Rectangle((left, 0), w, 1, fc="none", ec=GREY, ls="--", lw=1.5))
        axes.add_patch(
            Rectangle((left, 0), w, h, fc=colour, alpha=0.85, ec=CARD, hatch=hatch, lw=0)
        )
        inside = h > 0.5
        axes.text(
            left + w / 2,
            h / 2 if inside else h + 0.03,
            f"{name}: {width} × {height} = {width * height}",
            ha="center",
            va="center" if inside else "bottom",
            color=CARD if inside else INK,
            fontsize=12,
        )
        left += w
    total = gsnr_ref.predicted_osgr(TWO, n)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1.04),
        xlabel=say("width: share Wⱼ of the training decrease"),
        ylabel=say("height: Rⱼ"),
    )
    axes.set_title(say("filled area") + f" = R = {total}", fontsize=14)
    return figure


def tangent(say):
    """Chapter 7: OSGR at every learning rate, and the tangent at 0."""
    figure, axes = _figure()
    closed = location_model(F(0), F(2), F(1), n=1)
    rates = np.linspace(0, 1.7, 200)
    r_0, c_1 = gsnr_ref.osgr_expansion(
        MODEL, {"linear.weight": np.zeros((1, 1))}, FinitePopulation(*_floats(COIN)), 1
    )
    axes.axhline(0, color=GREY, lw=0.8)
    axes.plot(rates, [closed.osgr(float(rate)) for rate in rates], color=BLUE)
    axes.plot(rates, r_0 + c_1 * rates, color=ORANGE, ls="--")
    axes.text(1.15, 0.73, say("tangent") + ": 4/5 − λ/10", color="#9a5a08")
    for rate in (F(0), F(1), F(8, 5)):
        value = closed.osgr(rate)
        axes.plot(float(rate), float(value), "o", color=BLUE, ms=8)
        label = f"R({rate}) = {value}" if rate else f"R₀ = {value}"
        axes.text(
            float(rate) + 0.02,
            float(value) - 0.07,
            label,
            va="top",
            ha="left" if rate < 1 else "right",
        )
    axes.set(xlabel=say("learning rate λ"), ylabel="R", ylim=(-0.25, 0.9))
    return figure


def reuse(say):
    """Chapter 8: after a first step on one toss, what a second one on the same toss gives."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    first = np.linspace(0, 0.93, 150)
    closed = [trained_location_model([0.0], [2.0], [1.0], [1.0], 1, eta, 1) for eta in first]
    held_out = [one.osgr() for one in closed]
    own = [1 - one.variance[0] / one.training_slope for one in closed]
    fresh = []
    for eta in first:  # E of the population's squared mean gradient, over both tosses
        signal = np.mean([(eta * float(toss) - 2) ** 2 for toss in TOSSES])
        fresh.append(signal / (signal + 1))
    axes.axhline(0, color=GREY, lw=0.8)
    axes.plot(first, fresh, color=GREY, ls=":", lw=3)
    axes.plot(first, held_out, color=BLUE)
    axes.plot(first, own, color=ORANGE, ls="--")
    axes.text(0.98, 0.6, say("a fresh toss"), color=INK, ha="right", va="bottom")
    axes.text(0.78, -0.75, "$R_h$", color=BLUE, ha="right", fontsize=15)
    axes.text(0.6, -1.5, r"$\hat R$", color="#9a5a08", ha="right", fontsize=15)
    axes.plot([0.5, 0.8], [0.6, 0], "o", color=BLUE, ms=7)
    axes.text(0.5, 0.72, "3/5", color=BLUE, ha="center", va="bottom")
    axes.text(0.8, -0.1, "0", color=BLUE, ha="right", va="top")
    axes.set(ylim=(-3, 1.4), ylabel="R")
    below.plot(first, [one.reuse_factor for one in closed], color=BLUE)
    below.set(xlabel=say("first step η"), ylabel="κ", ylim=(0, 1.05), xlim=(0, 1))
    return figure


def floor(say):
    """Chapter 9: the means of the plug-in and of the debiased estimate against the true r."""
    figure, axes = _figure()
    n, rng = 20, np.random.default_rng(0)
    true = np.geomspace(3e-3, 1, 9)
    unit = rng.normal(size=(n, 100_000))
    line = np.geomspace(3e-3, 1, 100)
    axes.loglog(line, (line + 1 / n) * (n - 1) / (n - 3), color=ORANGE, ls="--")
    axes.loglog(line, line, color=BLUE)
    plug_in, debiased = [], []
    for ratio in true:
        sample = gsnr_ref.GradientMoments.from_samples(unit + np.sqrt(ratio))
        plug_in.append(gsnr_ref.gsnr(sample, ddof=1).mean())
        debiased.append(gsnr_ref.debiased_gsnr(sample).mean())
    axes.loglog(true, plug_in, "s", color=ORANGE, mec=INK, label=say("plug-in"))
    axes.loglog(true, debiased, "o", color=BLUE, label=say("debiased"))
    axes.axhline(19 / 340, color=GREY, lw=1, ls=":")
    axes.text(1.0, 0.046, "19/340", ha="right", va="top")
    axes.set(xlabel=say("true r"), ylabel=say("mean estimate"))
    axes.legend(loc="upper left")
    return figure


def random_labels(say):
    """Chapter 10: GSNR, and OSGR with ten samples, against the share of random labels."""
    figure, axes = _figure()
    true, random = (
        gsnr_ref.GradientMoments.from_samples(array([[F(a)], [F(b)]]))
        for a, b in ((-1, -3), (2, -2))
    )
    shares = [F(k, 100) for k in range(101)]
    mixed = [gsnr_ref.mixed_moments(true, random, p) for p in shares]
    p = np.array(shares, float)
    (one,) = axes.plot(p, [float(gsnr_ref.gsnr(m)[0]) for m in mixed], color=BLUE)
    axes.plot(0.5, 2 / 7, "o", color=BLUE, ms=8)
    axes.text(0.49, 0.42, "2/7", color=BLUE, ha="right")
    other = axes.twinx()
    other.spines["right"].set_visible(True)
    (two,) = other.plot(
        p, [float(gsnr_ref.predicted_osgr(m, 10)) for m in mixed], color=ORANGE, ls="--"
    )
    other.plot([0.5], [20 / 27], "s", color=ORANGE, mec=INK, ms=8)
    other.text(0.52, 0.76, "20/27", color="#9a5a08")
    other.plot([(87 - 705**0.5) / 88], [0.5], "s", color=ORANGE, mec=INK, ms=8)
    other.text(0.71, 0.51, "1/2", color="#9a5a08")
    axes.set(xlabel=say("share p of random labels"), ylabel="r", ylim=(0, 4.2), xlim=(0, 1))
    other.set(ylabel="R", ylim=(0, 1.05))
    axes.legend([one, two], ["r", "R, n = 10"], loc="lower left")
    return figure


def features(say):
    """Chapter 11: GSNR of the second layer, its first layer trained or frozen."""
    figure, axes = _figure()
    samples = np.array(list(product((-1.0, 1.0), repeat=3)))
    x, y, mean = samples[:, :2], samples[:, 0] + samples[:, 2], np.full(8, 1 / 8)
    for scale, colour, place in (
        (0.1, BLUE, (16, 0.86)),
        (0.3, ORANGE, (34.3, 0.38)),
        (1.0, INK, (4.5, 0.3)),
        (3.0, GREY, (1.1, 0.06)),
    ):
        for frozen, style in (((), "-"), (("layer1",), "--")):
            model = MLP((2, 1, 1), "identity", bias=False, frozen=frozen)
            params = {
                "layer1.weight": np.array([[scale], [scale / 2]]),
                "layer2.weight": np.zeros((1, 1)),
            }
            path = []
            for _ in range(41):
                moments = gsnr_ref.gradient_moments(model, params, x, y)
                path.append(gsnr_ref.gsnr(moments)["layer2.weight"].item())
                params, _ = step(model, params, x, y, mean, 0.1)
            axes.plot(path, color=colour, ls=style, lw=2.6 if not frozen else 1.6)
        axes.text(*place, f"s = {scale:g}", color=colour if colour != ORANGE else "#9a5a08")
    axes.plot([], [], color=INK, ls="-", label=say("first layer trained"))
    axes.plot([], [], color=INK, ls="--", lw=1.6, label=say("first layer frozen"))
    axes.legend(loc="upper right", bbox_to_anchor=(1, 1.04))
    axes.set(xlabel=say("step"), ylabel="$r_w$", ylim=(0, 1.15), xlim=(0, 40))
    return figure


def one_number(say):
    """Chapter 12: one curve, read at four places."""
    figure, axes = _figure()
    scale, alpha = related.simple_noise_scale(TWO), related.coherence(TWO)
    n = np.geomspace(1, 1000, 200)
    axes.semilogx(n, 1 / (1 + float(scale) / n), color=BLUE)
    axes.axhline(0.5, color=GREY, lw=0.8)
    axes.plot([1], [float(alpha)], "o", color=INK, ms=9, clip_on=False)
    axes.text(1.12, float(alpha) - 0.03, f"α = {alpha}", va="top")
    axes.plot([float(scale)] * 2, [0, 0.5], color=ORANGE, ls="--")
    axes.plot([float(scale)], [0.5], "s", color=ORANGE, mec=INK, ms=9)
    axes.text(
        float(scale) * 1.1, 0.06, "B = 1/$r_{eff}$" + f" = {scale}", color="#9a5a08", va="center"
    )
    four = gsnr_ref.predicted_osgr(TWO, 4)
    axes.plot([4], [float(four)], "D", color=BLUE, ms=9)
    axes.text(4.6, float(four) - 0.07, f"R(4) = {four}", color=BLUE, va="top")
    axes.set(xlabel=say("samples n"), ylabel="R", ylim=(0, 1.02), xlim=(1, 1000))
    return figure


#: File name, without its ending -> what draws it.
PICTURES = {
    "01-two-arrows": two_arrows,
    "02-two-clouds": two_clouds,
    "03-narrowing": narrowing,
    "04-two-decreases": two_decreases,
    "05-triangle": triangle,
    "06-bars": bars,
    "07-tangent": tangent,
    "08-reuse": reuse,
    "09-floor": floor,
    "10-random-labels": random_labels,
    "11-features": features,
    "12-one-number": one_number,
}


def draw(folder, language="en"):
    """Draw every picture of the book as an SVG.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    language : {"en", "zh"}

    Returns
    -------
    list of pathlib.Path
        The files, in the order of the chapters.
    """
    if language not in ("en", "zh"):
        raise ValueError(f"language is {language!r}; expected 'en' or 'zh'")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # The font that text is measured with has no Chinese; the reader's browser has one.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        for name, picture in PICTURES.items():
            files.append(folder / f"{name}.svg")
            picture(Words(language)).savefig(files[-1], metadata={"Date": None})
    return files


if __name__ == "__main__":
    draw(*sys.argv[1:])
