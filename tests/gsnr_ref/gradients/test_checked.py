import gc
import re
import weakref
from fractions import Fraction

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gsnr_ref import (
    InputError,
    RangeError,
    check_model,
    enumerated_osgr,
    gradient_moments,
    loss_checks,
    measured_osgr,
    per_sample_gradients,
)
from gsnr_ref.gradients.checked import check_once
from tests.gsnr_ref.gradients.broken_models import BROKEN, SQUARE, Factor, Mlp, WeightDecay, X, Y
from tests.oracles.exact import fractions
from tests.strategies import problems
from toy_models import (
    MLP,
    ConvNet,
    FinitePopulation,
    LinearRegression,
    RecurrentNet,
    SoftmaxRegression,
    affine,
    no_tap,
)


def outcomes(report):
    return {v.subject: v.outcome for v in report.verdicts}


@pytest.mark.parametrize("mistake", BROKEN)
def test_every_mistake_is_found_and_named_and_the_inputs_are_left_alone(mistake):
    model, params, x, subject, says = BROKEN[mistake]
    kept = {name: value.copy() for name, value in params.items()}
    x_kept, y_kept = x.copy(), Y.copy()
    report = check_model(model, params, x, Y)
    assert report.broken and not report.ok
    text = {v.subject: v.text for v in report.verdicts if v.outcome == "broken"}[subject]
    assert re.search(says, text), str(report)
    assert np.array_equal(x, x_kept) and np.array_equal(Y, y_kept)
    assert all(np.array_equal(params[name], kept[name]) for name in params)


def routes(model, params, x, y):
    """Every function that takes a model, with what it returns where the check is off."""
    population = FinitePopulation(x, y)
    return {
        "per_sample_gradients": lambda **k: per_sample_gradients(model, params, x, y, **k),
        "by the loop": lambda **k: per_sample_gradients(model, params, x, y, method="loop", **k),
        "gradient_moments": lambda **k: gradient_moments(model, params, x, y, **k),
        "of batches": lambda **k: gradient_moments(
            model, params, [(x[:1], y[:1]), (x[1:], y[1:])], **k
        ),
        "measured_osgr": lambda **k: measured_osgr(
            model, params, population, 2, 1e-3, n_trials=2, **k
        ),
        "enumerated_osgr": lambda **k: enumerated_osgr(model, params, population, 1, 1e-3, **k),
    }


BY_LOSSES = ("by the loop", "measured_osgr", "enumerated_osgr")


@pytest.mark.parametrize("route", routes(*[None] * 2, X, Y))
@pytest.mark.parametrize("mistake", BROKEN)
@pytest.mark.filterwarnings("ignore:divide by zero encountered in power")  # without an epsilon
def test_every_mistake_is_refused_by_every_route_that_it_concerns(mistake, route):
    model, params, x, subject, _ = BROKEN[mistake]
    x = x.copy()
    function = routes(model, params, x, Y)[route]
    if route in BY_LOSSES and subject != "loss":
        function()  # taps do not matter
        return
    if mistake == "without an epsilon" and route == "of batches":  # 0/0 in a batch of one
        error, says = RangeError, "leave the range"
    else:
        error, says = InputError, "breaks the contract|got inputs of|neither|loss returned"
    with pytest.raises(error, match=says):
        function()


@pytest.mark.parametrize("route", routes(*[None] * 2, X, Y))
@pytest.mark.parametrize("mistake", ["weight decay in the loss", "/ len(x)", "broadcast, mean"])
def test_the_check_can_be_left_out(mistake, route):
    model, params, x, _, _ = BROKEN[mistake]
    routes(model, params, x, Y)[route](check=False)


@pytest.mark.parametrize("route", routes(*[None] * 2, X, Y))
@pytest.mark.parametrize("mistake", ["broadcast, not reduced", "time-major", "(n, h, w, c)"])
def test_wrong_shapes_are_refused_always(mistake, route):
    model, params, x, subject, _ = BROKEN[mistake]
    if route in BY_LOSSES and subject != "loss":
        return
    with pytest.raises(InputError, match=r"got inputs of shape|model\.loss returned shape"):
        routes(model, params, x, Y)[route](check=False)


def test_samples_of_weight_0_are_not_looked_at():
    model = MLP((3, 4, 2), loss="cross_entropy")
    labels = np.array([-1, -1, 0, 1, 1, 0])
    moments = gradient_moments(
        model, model.init(0), X, labels, weights=[0, 0, 1, 1, 1, 1], chunk_size=6
    )
    assert moments.count == 4


def test_only_the_parameters_at_fault_are_named():
    report = check_model(Factor(), SQUARE, X, Y)
    assert outcomes(report) == {
        "loss": "ok",
        "a.weight": "broken",
        "a.bias": "broken",
        "b.weight": "ok",
        "b.bias": "ok",
    }
    assert outcomes(check_model(WeightDecay(), SQUARE, X, Y))["a.bias"] == "ok"


@given(st.floats(-50, 50).filter(lambda c: abs(c) > 1e-3 and abs(c - 1) > 1e-5), st.integers(0, 99))
def test_a_factor_before_the_tap_is_named(factor, seed):
    model, rng = Factor(), np.random.default_rng(seed)
    model.factor = factor
    model.activation = lambda hidden: hidden  # a saturated tanh has no gradient
    report = check_model(model, SQUARE, rng.standard_normal((3, 3)), rng.standard_normal(3))
    (text,) = [v.text for v in report.verdicts if v.subject == "a.weight"]
    assert text.startswith(f"{1 / factor:.6g} × the loop's in every entry; ")
    assert f"outputs are {factor:.6g} ×" in text


@given(st.floats(1e-4, 10), st.integers(0, 99))
def test_weight_decay_is_named_with_its_strength(decay, seed):
    model, rng = WeightDecay(), np.random.default_rng(seed)
    model.decay = decay
    report = check_model(model, SQUARE, rng.standard_normal((3, 3)), rng.standard_normal(3))
    (text,) = [v.text for v in report.verdicts if v.subject == "a.weight"]
    assert text.startswith(f"the loop's less {decay:.6g} × the parameter; ")


@given(problems())
@example((LinearRegression(1), LinearRegression(1).init(0), np.ones((3, 1)), np.ones((3, 1))))
def test_a_correct_model_is_never_called_broken(problem):
    model, params, x, y = problem
    report = check_model(model, params, x, y)
    assert not report.broken, str(report)
    by_loop = per_sample_gradients(model, params, x, y, method="loop")
    if len(x) > 1 and (x[1:] != x[0]).any() and all(g[:2].any() for g in by_loop.values()):
        assert report.ok, str(report)


def toy(model, *shape, classes=None, n_outputs=None, dtype=float):
    rng = np.random.default_rng(2)
    params = {k: v.astype(dtype) for k, v in model.init(0).items()}
    if classes:
        return model, params, rng.random(shape).astype(dtype), np.arange(shape[0]) % classes
    y = rng.standard_normal((shape[0], n_outputs) if n_outputs else shape[0])
    return model, params, rng.random(shape).astype(dtype), y.astype(dtype)


CORRECT = {
    "own": (Mlp(), SQUARE, X, Y),
    "linear": toy(LinearRegression(3, 2), 4, 3, n_outputs=2),
    "softmax": toy(SoftmaxRegression(3, 4), 4, 3, classes=4),
    "mlp": toy(MLP((3, 4, 2), loss="cross_entropy"), 4, 3, classes=2),
    "deep": toy(MLP((3, *[4] * 8, 1), "relu"), 4, 3),
    "frozen": toy(MLP((3, 4, 1), frozen=("layer1",)), 4, 3),
    "convolutional": toy(ConvNet((10, 10, 2), (3, 4), (5,), 3, kernel=3), 4, 10, 10, 2, classes=3),
    "as many samples as positions": toy(ConvNet((4, 4, 1), (2,), (), 3, 3), 4, 16, classes=3),
    "elman": toy(RecurrentNet(3, 4, 2), 4, 5, 3, classes=2),
    "as many samples as steps": toy(RecurrentNet(3, 4, 2), 5, 5, 3, classes=2),
    "lstm": toy(RecurrentNet(3, 4, 1, cell="lstm", loss="squared"), 4, 5, 3),
    "float32": toy(MLP((3, 4, 2), loss="cross_entropy"), 4, 3, classes=2, dtype=np.float32),
    "float16": toy(MLP((3, 4, 1)), 4, 3, dtype=np.float16),
}


@pytest.mark.parametrize("name", CORRECT)
def test_correct_models_are_in_order(name):
    report = check_model(*CORRECT[name])
    assert report.ok, str(report)
    assert str(report).count(": ok: ") == 1 + len(CORRECT[name][0].trainable)
    assert check_model(*CORRECT[name], method="loop").ok


def test_whole_numbers_as_inputs():
    model = MLP((3, 4, 2), loss="cross_entropy")
    x = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert check_model(model, model.init(0), x, np.array([0, 1])).ok


def test_fractions_are_compared_exactly():
    x, y = fractions([[1, 2], [3, -1]]), fractions([[1], [2]])
    params = {"linear.weight": fractions([[1], [2]]) / 3, "linear.bias": fractions([1]) / 7}
    model = LinearRegression(2)
    assert check_model(model, params, x, y).ok

    class Nearly(LinearRegression):
        def outputs(self, params, x, tap=no_tap):
            share = 1 + Fraction(1, 10**12)
            return tap("linear", x, share * (x @ params["linear.weight"]) + params["linear.bias"])

    report = check_model(Nearly(2), params, x, y)
    assert outcomes(report) == {"loss": "ok", "linear.weight": "broken", "linear.bias": "ok"}


class CastDown(Mlp):
    """Computes in float32 whatever it is given, and returns float64."""

    def loss(self, params, x, y, tap=no_tap):
        params = {k: v.astype(np.float32) for k, v in params.items()}
        return super().loss(params, x.astype(np.float32), y.astype(np.float32), tap)


def test_a_model_that_computes_in_less_precision_is_in_order():
    report = check_model(CastDown(), SQUARE, X, Y)
    assert report.ok, str(report)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_where_rounding_decides_nothing_is_called_broken(seed, n_features, relu):
    """Targets that the model meets to the last bits, and pre-activations that cancel."""
    rng = np.random.default_rng(seed)
    model = MLP((n_features, 3, 1), "relu" if relu else "tanh")
    params = {k: rng.integers(-9, 10, v.shape) / 10 for k, v in model.init(0).items()}
    x = rng.integers(-3, 4, (5, n_features)) / 10
    y = np.concatenate([model.outputs(params, x[i : i + 1]) for i in range(5)])
    report = check_model(model, params, x, y)
    assert not report.broken, str(report)


def test_what_two_samples_do_not_tell_is_undecided():
    model = LinearRegression(1)
    params = model.init(0)
    one = check_model(model, params, np.ones((1, 1)), np.ones(1))
    assert outcomes(one) == {"loss": "undecided", "linear.weight": "ok", "linear.bias": "ok"}
    twins = check_model(model, params, np.ones((3, 1)), np.ones(3))
    assert not (twins.ok or twins.broken)
    dead = check_model(model, params, np.array([[0.0], [0.0]]), np.array([1.0, 2.0]))
    assert outcomes(dead) == {"loss": "ok", "linear.weight": "undecided", "linear.bias": "ok"}
    huge = check_model(model, params, np.array([[1e200], [1.0]]), np.ones(2))
    assert outcomes(huge)["loss"] == "undecided" and not huge.broken


def test_a_division_by_the_number_of_samples_shows_at_a_single_one():
    model, params, _, _, _ = BROKEN["/ len(x)"]
    assert check_model(model, params, X[:1], Y[:1]).broken


def test_the_second_sample_differs_in_x_and_y_if_there_is_such_a_one():
    model, params, _, _, _ = BROKEN["broadcast, mean"]
    sorted_by_label = np.array([0.0] * 50 + [1.0])
    x = np.random.default_rng(0).standard_normal((51, 3))
    assert check_model(model, params, x, sorted_by_label).broken


class Untapped:
    """Correct, without a tap."""

    trainable = ("mean",)

    def loss(self, params, x, y):
        return (params["mean"] - y) ** 2 / 2


def test_a_model_without_taps_is_in_order_by_the_loop_only():
    arguments = Untapped(), {"mean": np.array(1.0)}, np.zeros((2, 1)), np.array([0.0, 3.0])
    assert check_model(*arguments, method="loop").ok
    assert outcomes(check_model(*arguments)) == {"loss": "ok", "taps": "broken"}


class Counted(Mlp):
    calls = 0

    def loss(self, params, x, y, tap=no_tap):
        self.calls += 1
        return super().loss(params, x, y, tap)


def calls_of_a_check(model, params=SQUARE, x=X, y=Y):
    before = model.calls
    check_once(model, params, x, y)
    return model.calls - before


def test_a_model_is_looked_at_once_for_each_structure():
    model = Counted()
    first = calls_of_a_check(model)
    assert first > 0
    assert calls_of_a_check(model) == 0
    assert calls_of_a_check(model, SQUARE | {"a.weight": SQUARE["a.weight"] + 1}) == 0
    assert calls_of_a_check(model, SQUARE | {"unused": np.zeros(1)}) > 0
    assert calls_of_a_check(model, x=X.astype(int)) > 0
    model.trainable = ("b.weight",)
    assert calls_of_a_check(model) > 0
    assert calls_of_a_check(Counted()) == first


def test_what_is_undecided_is_looked_at_again():
    model = Counted()
    dead = SQUARE | {"b.weight": np.zeros((3, 1))}  # nothing reaches layer a
    assert calls_of_a_check(model, dead) > 0
    assert calls_of_a_check(model, dead) > 0
    assert calls_of_a_check(model) > 0
    assert calls_of_a_check(model) == 0


def test_a_dead_model_is_forgotten():
    model = Counted()
    check_once(model, SQUARE, X, Y)
    key, alive = id(model), weakref.ref(model)
    assert key in loss_checks._REMEMBERED
    del model
    gc.collect()
    assert alive() is None and key not in loss_checks._REMEMBERED


class Unremembered:
    """Takes no weak reference, so it is looked at each time."""

    __slots__ = ("calls",)
    trainable = Mlp.trainable

    def __init__(self):
        self.calls = 0

    def loss(self, params, x, y, tap=no_tap):
        self.calls += 1
        return Mlp().loss(params, x, y, tap)


def test_a_model_that_takes_no_weak_reference_is_looked_at_each_time():
    model, known = Unremembered(), len(loss_checks._REMEMBERED)
    assert calls_of_a_check(model) == calls_of_a_check(model) > 0
    assert len(loss_checks._REMEMBERED) == known


def test_a_loss_that_fails_on_all_samples_says_so_with_their_shape():
    model = LinearRegression(2)
    with pytest.raises(ValueError, match=r"x has shape \(6, 3\)"):
        check_once(model, model.init(0), X, Y)


def test_a_loss_that_fails_on_a_single_sample_is_told():
    class Squeezed(Mlp):
        def per_sample(self, params, outputs, y):
            return (anp.squeeze(outputs) + np.zeros(len(y)) - y)[: len(x)] ** 2 + 0 * len(
                outputs[1]
            )

    x = X
    with pytest.raises(InputError, match="fails on two of the samples, or on one alone"):
        check_once(Squeezed(), SQUARE, x, Y)


def test_tied_weights_tapped_under_one_name_are_in_order():
    class Tied(Mlp):
        trainable = ("a.weight", "a.bias")

        def loss(self, params, x, y, tap=no_tap):
            hidden = anp.tanh(affine(params, "a", x, tap))
            return anp.sum(affine(params, "a", hidden, tap) ** 2, axis=1) - y

    assert check_model(Tied(), SQUARE, X, Y).ok
