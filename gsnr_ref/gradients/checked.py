"""Does a model keep the contract? Its taps against the loop, at two samples.

Imports ``autodiff``, ``contract``, ``loss_checks``, ``two_samples`` and both routes of
``gradients``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from autograd.tracer import getval

from gsnr_ref.autodiff import make_vjp, ones_like
from gsnr_ref.contract import Array, InputError, Model, Params, check_batch
from gsnr_ref.gradients.loop import looped_gradients
from gsnr_ref.gradients.tapped import TappedLayer, tapped_layers
from gsnr_ref.loss_checks import (
    ModelReport,
    Verdict,
    look,
    look_once,
    loss_verdict,
    own_losses,
)
from gsnr_ref.two_samples import TwoSamples, compare


def check_model(
    model: Model, params: Params, x: Any, y: Any, *, method: str = "tapped"
) -> ModelReport:
    """Say whether a model keeps the contract of `gsnr_ref.Model`, and where it does not.

    Two samples are looked at. Each one's loss must be one number, the same each time and in every
    batch, and leave its inputs unchanged; and the gradients that the taps give must be the loop's,
    gᵢ = ∂L(yᵢ, f(xᵢ, θ))/∂θ of equation 1, parameter by parameter.

    Parameters
    ----------
    model : Model
    params : dict of str to ndarray
        Any, but not such that gradients are 0: fresh ones do.
    x : array_like, shape (n_samples, ...)
        The first sample is looked at, and another that differs in x and y if there is one.
    y : array_like, shape (n_samples, ...)
    method : {"tapped", "loop"}
        With ``"loop"`` the taps are not looked at: a model may do without.

    Returns
    -------
    ModelReport
        ``ok`` if all is in order; ``broken`` if something is not; neither where two samples cannot
        decide, as where a gradient is 0. Printed, it says which parameter of which layer differs
        from the loop's by what factor, and what usually causes it.

    Raises
    ------
    InputError
        If x and y are no samples, or a trainable parameter is missing. What is wrong with the
        model is in the report.

    Notes
    -----
    Arrays of less than double precision are looked at in float64. Two routes agree if they agree to
    half the digits, relative to the largest entry of a parameter, or to what the last bit of the
    parameters can change; a smaller difference is not seen. `gsnr_ref.gradient_moments` and the
    others that take a model do the same once for each model and shapes (``check=False``: not).

    Examples
    --------
    >>> from toy_models import LinearRegression
    >>> class Doubled(LinearRegression):
    ...     def outputs(self, params, x, tap):  # the factor belongs after the tap
    ...         return tap("linear", x, 2 * (x @ params["linear.weight"]))
    >>> model = Doubled(1, bias=False)
    >>> params, x, y = {"linear.weight": np.array([[2.0]])}, np.array([[1.0], [3.0]]), np.ones(2)
    >>> print(check_model(model, params, x, y))
    loss: ok: each sample's own, the same each time; inputs left alone
    linear.weight: broken: 0.5 × the loop's in every entry; the tap's outputs are 2 × (inputs ...
    >>> check_model(LinearRegression(1, bias=False), params, x, y).ok
    True
    """
    x, y = check_batch(model, params, x, y)
    return look(model, params, x, y, _verdicts(method))


def check_once(
    model: Model,
    params: Params,
    x: Array,
    y: Array,
    method: str = "tapped",
    weights: Array | None = None,
) -> None:
    """Refuse a model that `check_model` finds broken. Looks once at each model and shapes.

    Samples of weight 0 are left out: nothing need be right with them.
    """
    if weights is not None:
        used = np.flatnonzero(weights)[:100]
        x, y = x[used], y[used]
    if len(x):
        look_once(model, params, x, y, _verdicts(method))


def _verdicts(method: str) -> Callable[[TwoSamples, Params], list[Verdict]]:
    return own_losses if method == "loop" else _all_verdicts


def _all_verdicts(two: TwoSamples, params: Params) -> list[Verdict]:
    """Of the loss, and of each parameter."""
    loss = loss_verdict(two, params)
    names = two.model.trainable
    if loss.outcome == "broken":
        text = "not compared, since the loss is at fault"
        return [loss, *(Verdict(name, "undecided", text) for name in names)]
    try:
        layers = tapped_layers(two.model, dict(two.params), two.x.copy(), two.y.copy())
    except InputError as error:
        return [loss, Verdict("taps", "broken", str(error))]
    except Exception as error:
        return [loss, Verdict("taps", "broken", f"loss fails with a tap: {error}")]
    loop = _looped(two, two.params)
    found = [_parameter_verdict(two, name, layers, loop[name]) for name in names]
    return [loss, *found]


def _looped(two: TwoSamples, params: Params) -> Params:
    return looped_gradients(two.model, dict(params), two.x.copy(), two.y.copy())


def _parameter_verdict(
    two: TwoSamples, name: str, layers: dict[str, TappedLayer], loop: Array
) -> Verdict:
    tapped = layers[name.rpartition(".")[0]].gradients(name)
    if not (tapped.any() or loop.any()):
        text = "the gradient is 0 at both samples: give other samples or params"
        return Verdict(name, "undecided", text)

    def outcome(i: int) -> str:
        def rounding() -> Any:
            return two.rounding(lambda params: _looped(two, params)[name][i])

        return compare(tapped[i], loop[i], rounding)

    outcomes = [outcome(0), outcome(1)]
    if "broken" in outcomes:
        if not (_finite(tapped) and _finite(loop)):
            return Verdict(name, "undecided", "the gradient is not finite at the samples looked at")
        text = _difference(two, name, tapped, loop)
        cause = _cause(two, name, layers)
        return Verdict(name, "broken", f"{text}; {cause}" if cause else text)
    if "undecided" in outcomes:
        text = "the gradient is so near 0 that rounding hides a difference"
        return Verdict(name, "undecided", text)
    return Verdict(name, "ok", "as by the loop")


def _finite(array: Array) -> bool:
    return array.dtype == object or bool(np.isfinite(array).all())


def _close(one: Any, other: Any) -> bool:
    """Tell whether two arrays agree well enough to describe one by the other."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    scale = max(np.abs(one).max(initial=0), np.abs(other).max(initial=0))
    return one.shape == other.shape and bool((np.abs(one - other) <= 1e-6 * scale).all())


def _factor(one: Array, other: Array) -> float | None:
    """The c of one = c·other, or None."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    largest = np.abs(other).argmax() if other.size else 0
    if not other.any():
        return None
    factor = float(one.flat[largest] / other.flat[largest])
    return factor if _close(one, factor * other) else None


def _difference(two: TwoSamples, name: str, tapped: Array, loop: Array) -> str:
    """How the gradients by the tap differ from the loop's."""
    if not tapped.any():
        return "0 where the loop's is not"
    if not loop.any():
        return "not 0 where the loop's is"
    factor = _factor(tapped, loop)
    if factor is not None:
        return f"{factor:.6g} × the loop's in every entry"
    if tapped.ndim == 3 and _close(tapped.swapaxes(1, 2), loop):
        return "the transpose of the loop's"
    own = [_factor(tapped[i], loop[i]) for i in (0, 1)]
    if None not in own:
        return f"{own[0]:.6g} × and {own[1]:.6g} × the loop's at the two samples"
    missing = loop - tapped
    if two.distinct and _close(missing[0], missing[1]):
        factor = _factor(missing[0], two.params[name])
        what = f"{factor:.6g} × the parameter" if factor else "the same array at both samples"
        return f"the loop's less {what}"
    seen = np.abs(loop) > 1e-6 * np.abs(loop).max()
    ratios = np.asarray(tapped[seen] / loop[seen], float)
    return f"{ratios.min() + 0.0:.6g} to {ratios.max() + 0.0:.6g} × the loop's"  # -0 is 0


def _cause(two: TwoSamples, name: str, layers: dict[str, TappedLayer]) -> str:
    """What makes a parameter's gradient differ; nothing where the evidence does not tell."""
    own_layer = name.rpartition(".")[0]
    beside = _beside_the_tap(two, name, lambda tapped: tapped == own_layer)
    if not layers[own_layer].deltas.any():
        return (
            "the loss does not depend on what the tap returned: usually its return value is dropped"
        )
    if beside.any():
        found = "the parameter also enters the loss beside the tap of its layer"
        if two.distinct and _close(beside[0], beside[1]):
            return f"{found}, alike for both samples: usually weight decay inside the loss"
        without_own = {la for la in layers if f"{la}.weight" not in two.params}
        if not _beside_the_tap(two, name, lambda la: la in {own_layer, *without_own}).any():
            return f"{found}, through that of {sorted(without_own)}: usually tied weights"
        return f"{found}: usually a second use, not tapped under its layer's name"
    try:
        tapped_layers(two.model, dict(two.params), two.x[:1].copy(), two.y[:1].copy())
    except InputError as error:
        return f"with one sample {error}"
    return _what_the_tap_got(two, own_layer)


def _beside_the_tap(two: TwoSamples, name: str, cut: Callable[[str], bool]) -> Array:
    """Gradients of the two losses by a parameter, with nothing coming back through some taps."""

    def loss(parameter: Any) -> Any:
        def tap(tapped: str, inputs: Any, outputs: Any) -> Any:
            return getval(outputs) if cut(tapped) else outputs

        return two.model.loss(two.params | {name: parameter}, two.x.copy(), two.y.copy(), tap)

    backward, losses = make_vjp(loss)(two.params[name])
    ones = ones_like(losses)
    return np.stack([backward(ones * (np.arange(2) == i)) for i in (0, 1)])


def _what_the_tap_got(two: TwoSamples, layer: str) -> str:
    """Compare a tap's outputs with inputs @ weight + bias, application by application."""
    seen: list[tuple[Array, Array]] = []

    def tap(name: str, inputs: Any, outputs: Any) -> Any:
        if name == layer:
            seen.append((np.asarray(inputs), np.asarray(outputs)))
        return outputs

    two.model.loss(dict(two.params), two.x.copy(), two.y.copy(), tap)
    if f"{layer}.weight" not in two.params:
        return ""
    weight, bias = two.params[f"{layer}.weight"], two.params.get(f"{layer}.bias", 0)
    square = weight.shape[0] == weight.shape[1]

    def is_affine(inputs: Array, outputs: Array, matrix: Array) -> bool:
        rows = inputs @ matrix
        return _close(outputs, rows + bias) or _close(outputs, rows)

    odd = [pair for pair in seen if not is_affine(*pair, weight)]
    if not odd:
        return ""
    if square and all(is_affine(*pair, weight.T) for pair in odd):
        return "the tap's outputs are inputs @ weight.T: usually a weight used transposed"
    for offset in (bias, 0):
        factors = [_factor(outputs, inputs @ weight + offset) for inputs, outputs in seen]
        if None not in factors and _close(factors, factors[:1] * len(factors)):
            return (
                f"the tap's outputs are {factors[0]:.6g} × (inputs @ weight + bias): usually a "
                "factor that belongs after the tap"
            )
    return "the tap's outputs are not inputs @ weight + bias of the inputs that it got"
