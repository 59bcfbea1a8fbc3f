"""Models that break the contract, one mistake each: what `check_model` must find."""

import autograd.numpy as anp
import numpy as np

from toy_models import no_tap

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((6, 3)), RNG.standard_normal(6)
SEQUENCES = RNG.standard_normal((6, 5, 3))
IMAGES = RNG.standard_normal((6, 2, 4, 3))


def weights(**shapes):
    rng = np.random.default_rng(1)
    return {name.replace("_", "."): rng.standard_normal(shape) for name, shape in shapes.items()}


MLP_PARAMS = weights(a_weight=(3, 3), a_bias=3, b_weight=(3, 1), b_bias=1)


def halved_squares(outputs, y):
    return anp.sum((outputs - y[:, None]) ** 2, axis=1) / 2


class Mlp:
    """A correct model of two layers; the mistakes are methods put in the place of its own."""

    trainable = ("a.weight", "a.bias", "b.weight", "b.bias")

    def first(self, params, x, tap):
        return tap("a", x, x @ params["a.weight"] + params["a.bias"])

    def last(self, params, hidden, tap):
        return tap("b", hidden, hidden @ params["b.weight"] + params["b.bias"])

    def activation(self, hidden):
        return anp.tanh(hidden)

    def per_sample(self, params, outputs, y):
        return halved_squares(outputs, y)

    def loss(self, params, x, y, tap=no_tap):
        hidden = self.activation(self.first(params, x, tap))
        return self.per_sample(params, self.last(params, hidden, tap), y)


class ValueDropped(Mlp):
    def first(self, params, x, tap):
        outputs = x @ params["a.weight"] + params["a.bias"]
        tap("a", x, outputs)
        return outputs


class WeightDecay(Mlp):
    decay = 0.01

    def per_sample(self, params, outputs, y):
        return halved_squares(outputs, y) + self.decay / 2 * anp.sum(params["a.weight"] ** 2)


class ReusedUntapped(Mlp):
    def activation(self, hidden):
        return hidden

    def last(self, params, hidden, tap):
        return super().last(params, anp.tanh(anp.tanh(hidden) @ params["a.weight"]), tap)

    def loss(self, params, x, y, tap=no_tap):
        return self.per_sample(params, self.last(params, self.first(params, x, tap), tap), y)


class TiedAndTransposed(Mlp):
    trainable = ("a.weight",)

    def last(self, params, hidden, tap):
        return tap("b", hidden, hidden @ params["a.weight"].T)[:, :1]


class TiedUnderOneName(Mlp):
    trainable = ("a.weight",)

    def last(self, params, hidden, tap):
        return tap("a", hidden, hidden @ params["a.weight"].T)[:, :1]


class Transposed(Mlp):
    def first(self, params, x, tap):
        return tap("a", x, x @ params["a.weight"].T + params["a.bias"])


class TransposedNotSquare(Mlp):
    def first(self, params, x, tap):
        return tap("a", x, x @ params["a.weight"].T)


class PartOfInputs(Mlp):
    def first(self, params, x, tap):
        return tap("a", x[:, :2], x @ params["a.weight"] + params["a.bias"])


class PartOfInputsMasked(Mlp):
    def first(self, params, x, tap):
        return tap("a", x * np.array([1.0, 1.0, 0.0]), x @ params["a.weight"] + params["a.bias"])


class NotAffineByName(Mlp):
    trainable = (*Mlp.trainable, "a.gain")

    def first(self, params, x, tap):
        return super().first(params, x, tap) * params["a.gain"]


class NotAffineByUse(Mlp):
    def first(self, params, x, tap):
        return tap("a", x, x @ anp.exp(params["a.weight"]) + params["a.bias"])


class TimeMajor(Mlp):
    def first(self, params, x, tap):
        x = np.swapaxes(x, 0, 1)
        return tap("a", x, anp.matmul(x, params["a.weight"]) + params["a.bias"])[-1]


class ImageAxes(Mlp):
    def first(self, params, x, tap):
        outputs = tap("a", x, anp.matmul(x, params["a.weight"]) + params["a.bias"])
        return anp.sum(anp.sum(outputs, axis=1), axis=1)


class Factor(Mlp):
    factor = 2.0

    def first(self, params, x, tap):
        return tap("a", x, self.factor * (x @ params["a.weight"] + params["a.bias"]))


class BatchNorm(Mlp):
    epsilon = 1e-5

    def activation(self, hidden):
        centred = hidden - anp.mean(hidden, axis=0)
        return anp.tanh(centred / anp.sqrt(anp.mean(centred**2, axis=0) + self.epsilon))


class BatchNormNoEpsilon(BatchNorm):
    epsilon = 0.0


class DividedByLength(Mlp):
    def per_sample(self, params, outputs, y):
        return halved_squares(outputs, y) / len(y)


class Dropout(Mlp):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def activation(self, hidden):
        return hidden * (self.rng.random(hidden.shape) < 0.5)


class SeededDropout(Mlp):
    def activation(self, hidden):
        return hidden * (np.random.default_rng(3).random(hidden.shape) < 0.5)


class BroadcastSum(Mlp):
    def per_sample(self, params, outputs, y):
        return anp.sum((outputs - y) ** 2, axis=1) / 2


class BroadcastMean(Mlp):
    def per_sample(self, params, outputs, y):
        return anp.mean((outputs - y) ** 2, axis=1) / 2


class BroadcastUnreduced(Mlp):
    def per_sample(self, params, outputs, y):
        return (outputs - y) ** 2 / 2


class MeanOfAll(Mlp):
    def per_sample(self, params, outputs, y):
        return anp.mean(halved_squares(outputs, y))


class ChangesX(Mlp):
    def loss(self, params, x, y, tap=no_tap):
        x -= 0.5
        return super().loss(params, x, y, tap)


class ChangesParams(Mlp):
    def loss(self, params, x, y, tap=no_tap):
        if isinstance(params["a.bias"], np.ndarray):
            params["a.bias"] += 0.5
        return super().loss(params, x, y, tap)


SQUARE = MLP_PARAMS
TALL = MLP_PARAMS | weights(a_weight=(4, 3), b_weight=(4, 1)) | {"a.bias": np.zeros(4)}
TIED = {"a.weight": SQUARE["a.weight"], "a.bias": SQUARE["a.bias"]}
GAIN = MLP_PARAMS | {"a.gain": np.ones(3)}

#: Name: model, params, x, who is at fault, what its verdict says.
BROKEN = {
    "a tap's value dropped": (ValueDropped(), SQUARE, X, "a.weight", "return value is dropped"),
    "weight decay in the loss": (
        WeightDecay(),
        SQUARE,
        X,
        "a.weight",
        "the loop's less 0.01 × the parameter; .* usually weight decay",
    ),
    "reused untapped": (ReusedUntapped(), SQUARE, X, "a.weight", "a second use, not tapped"),
    "tied and transposed": (TiedAndTransposed(), TIED, X, "a.weight", "usually tied weights"),
    "tied under one name": (TiedUnderOneName(), SQUARE, X, "a.weight", r"inputs @ weight\.T"),
    "x @ W.T": (Transposed(), SQUARE, X, "a.weight", r"transpose of the loop's; .*weight\.T"),
    "x @ W.T, not square": (TransposedNotSquare(), TALL, X, "taps", r"usually inputs @ weight\.T"),
    "part of the inputs": (
        PartOfInputs(),
        SQUARE,
        X,
        "taps",
        "usually a tap that gets a part of the inputs",
    ),
    "part of the inputs, masked": (
        PartOfInputsMasked(),
        SQUARE,
        X,
        "a.weight",
        "0 to 1 × the loop's; .* of the inputs that it got",
    ),
    "not affine, by name": (NotAffineByName(), GAIN, X, "taps", "'a.gain' is neither"),
    "not affine, by use": (NotAffineByUse(), SQUARE, X, "a.weight", "not inputs @ weight"),
    "time-major": (TimeMajor(), SQUARE, SEQUENCES, "taps", "usually time steps before samples"),
    "time-major, two steps": (
        TimeMajor(),
        SQUARE,
        SEQUENCES[:, :2],
        "a.weight",
        "with one sample .* usually time steps before samples",
    ),
    "(n, h, w, c)": (ImageAxes(), SQUARE, IMAGES, "taps", "reshape the positions"),
    "a factor": (
        Factor(),
        SQUARE,
        X,
        "a.weight",
        r"0\.5 × the loop's in every entry; the tap's outputs are 2 ×",
    ),
    "batch normalization": (BatchNorm(), SQUARE, X, "loss", "usually batch normalization"),
    "without an epsilon": (BatchNormNoEpsilon(), SQUARE, X, "loss", "usually batch normalization"),
    "/ len(x)": (DividedByLength(), SQUARE, X, "loss", r"0\.5 × its loss alone: .* / len\(x\)"),
    "dropout": (Dropout(), SQUARE, X, "loss", "usually dropout"),
    "dropout with a seed": (SeededDropout(), SQUARE, X, "loss", "its place in the batch"),
    "broadcast, summed": (BroadcastSum(), SQUARE, X, "loss", "the y of another sample: .*and"),
    "broadcast, mean": (BroadcastMean(), SQUARE, X, "loss", "the y of another sample: .*and"),
    "broadcast, not reduced": (BroadcastUnreduced(), SQUARE, X, "loss", r"difference of \(n, 1\)"),
    "a mean over all": (MeanOfAll(), SQUARE, X, "loss", "usually a sum or mean over the samples"),
    "x changed in place": (ChangesX(), SQUARE, X, "loss", "changes its x: usually"),
    "params changed in place": (
        ChangesParams(),
        SQUARE,
        X,
        "loss",
        r"changes its params\['a.bias'",
    ),
}
