"""Lower precision than declared: float32, float16, bfloat16, and TF32 in matrix products.

Imports ``autodiff``, ``contract`` and, of ``golden``, ``case``, ``quantity``,
``diagnosis/constants``, ``diagnosis/derived``, ``diagnosis/mistake`` and ``diagnosis/recomputed``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from gsnr_ref.autodiff import defvjp, primitive
from gsnr_ref.contract import Array, Params, flat, map_structure
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.constants import JUDGED, arrays_of, comparable, meets
from gsnr_ref.golden.diagnosis.derived import Values
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import ChangedModel, Tap, from_run, layers_of, run
from gsnr_ref.golden.quantity import QUANTITIES, ROUNDOFF, QuantityReport, is_close

#: Quantities that have as many values as there are parameters or samples, or one for each n.
SEVERAL = tuple(
    q
    for q in QUANTITIES
    if q not in ("noise_scale", "coherence", "debiased_osgr", "reduced_loss", "enumerated_osgr")
)
#: Values that are far nearer to those of TF32 than to the right ones, before it is named.
ENOUGH = 3


@dataclass(frozen=True)
class Format:
    """A floating-point format.

    Attributes
    ----------
    bits : int
        Significant bits, with the hidden one.
    lowest : int
        The smallest positive number is 2 to this power.
    largest : float
        The largest finite number.
    """

    bits: int
    lowest: int
    largest: float

    def rounded(self, array: Any) -> Array:
        """To the nearest number of the format, ties to even.

        Examples
        --------
        >>> FORMATS["bfloat16"].rounded(np.array([1 / 3, 1.0]))
        array([0.33398438, 1.        ])
        """
        exponent = np.frexp(array)[1]
        unit = np.maximum(exponent - self.bits, self.lowest)
        near = np.ldexp(np.rint(np.ldexp(array, -unit)), unit)
        return np.asarray(np.where(np.abs(near) > self.largest, np.copysign(np.inf, near), near))

    def truncated(self, array: Any) -> Array:
        """Without the bits that the format has no room for."""
        unit = np.maximum(np.frexp(array)[1] - self.bits, self.lowest)
        return np.asarray(np.ldexp(np.trunc(np.ldexp(array, -unit)), unit))

    def holds(self, array: Array) -> Array:
        """Whether each number is one of the format."""
        return np.asarray(self.rounded(array) == array)


FORMATS = {
    "float32": Format(24, -149, 3.4028234663852886e38),
    "float16": Format(11, -24, float(np.finfo(np.float16).max)),
    "bfloat16": Format(8, -133, 3.3895313892515355e38),
}
#: Numbers such as 0, 1 and 3/4 are in every format, and come about in many ways.
ROUND = Format(3, -1074, np.inf)
TF32 = Format(11, -136, 3.4028234663852886e38)


@primitive
def _passed(array: Any, forward: Callable[[Any], Array], backward: Callable[[Any], Array]) -> Any:
    """An array through one rounding on the way forward, its derivative through another one."""
    return forward(array)


defvjp(_passed, lambda ans, array, forward, backward: backward)


def _as_it_is(array: Any) -> Any:
    return array


def in_format(case: GoldenCase, name: str) -> Values:
    """Every affine map, its derivative, the losses, and all that follows, rounded to a format."""
    to = FORMATS[name].rounded

    def change(params: Params, tap: Tap, name: str, inputs: Any, outputs: Any) -> Any:
        inputs = _passed(inputs, to, to)
        if f"{name}.scale" in params:
            outputs = inputs * to(params[f"{name}.scale"]) + to(params.get(f"{name}.shift", 0.0))
        else:
            product = anp.matmul(inputs, to(params[f"{name}.weight"]))
            outputs = product + to(params.get(f"{name}.bias", 0.0))
        return _passed(tap(name, inputs, outputs), to, to)

    model = ChangedModel(case, change)
    found = run(model, case.params, case)
    values = from_run(case, to(found.losses), map_structure(to, found.gradients))
    return {quantity: map_structure(to, value) for quantity, value in values.items()}


def _are_rounded(case: GoldenCase, report: QuantityReport, form: Format) -> bool:
    """Whether all values are numbers of a format, and off by no more than its roundings make.

    By chance a number fits with a probability of 2 to the minus number of bits that it lacks: of
    wrong values whose right ones do not fit there must be enough for less than one in a million.
    """
    coarser, n_told = 2.0**-form.bits / ROUNDOFF[report.dtype], 0
    for got, _, right, allowed in arrays_of(case, report, case.expected[report.quantity]):
        known = np.isfinite(right)
        little = _is_off_by_little(got, right, coarser * allowed + 16 * 2.0**form.lowest)
        if not little or not form.holds(got[known]).all():
            return False
        told = known & ~is_close(got, right, allowed) & ~form.holds(right) & ~ROUND.holds(got)
        n_told += len(np.unique(np.abs(got[told])))
    return coarser**-n_told < 1e-6


def _is_off_by_little(got: Array, right: Array, allowed: Array) -> bool:
    """Whether errors are within what is allowed, and within a quarter of the largest value.

    Values that are worse than that are no longer recognizable, however ill-conditioned they are.
    """
    known = np.isfinite(right)
    limit = np.minimum(allowed, np.abs(np.where(known, right, 0.0)).max() / 4)
    return bool((np.abs(got - right) <= limit)[known].all())


def _cancels(case: GoldenCase, report: QuantityReport) -> bool:
    """Whether E g² − (E g)², or a small difference from 1, has few bits left in any precision."""
    if report.quantity == "predicted_osgr":
        every = np.concatenate([np.ravel(got) for got in report.got.values()])
        return bool(((np.abs(every) < 2.0**-29) & (every % ROUNDOFF[report.dtype] == 0)).all())
    r = flat(case.expected["gsnr_ddof0"])
    steady = bool((r[np.isfinite(r)] > 1e8).any())
    return steady and report.quantity.startswith(("variance", "gsnr", "debiased"))


@np.errstate(all="ignore")
def _is_lower(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    """Whether the values are those of a format with fewer bits than that of their dtype."""
    if not comparable(case, report) or _cancels(case, report):
        return False
    return any(_are_rounded(case, report, form) for form in FORMATS.values()) and not (
        _has_tf32_factors(case, report)  # the bits of float16, where the inputs are 1
    )


#: Layers all of whose products of matrices pass through a tap.
SEEN = {
    *("affine", "activation", "convolution", "max_pool", "elman", "lstm", "gru", "residual"),
    *("embedding", "position_embedding", "layer_norm", "rms_norm", "group_norm", "batch_norm"),
}


def _is_seen(case: GoldenCase) -> bool:
    """Whether the case has a range in float32, and a model that can be rounded at its taps."""
    seen = ChangedModel(case).is_tapped and case.tolerance["float32"] is not None
    return seen and all(
        la["type"] in SEEN and not la.get("transposed") for la in layers_of(case.model)
    )


@known_as("lower-precision", _is_lower, judged=SEVERAL)
def _lower_precision(case: GoldenCase) -> Values:
    return in_format(case, "bfloat16") if _is_seen(case) else {}


def in_tf32(
    case: GoldenCase, to: Callable[[Any], Array] = TF32.rounded, last: bool = True
) -> Values:
    """Factors of matrix products rounded to TF32, products and sums as they are.

    `last` says whether the product of inputs and deltas, which is the gradient, is one of these.
    """

    looked_up = [la["name"] for la in layers_of(case.model) if "embedding" in la["type"]]

    def change(params: Params, tap: Tap, name: str, inputs: Any, outputs: Any) -> Any:
        if f"{name}.scale" in params or name in looked_up:  # no product of matrices
            return tap(name, inputs, outputs)
        product = anp.matmul(_passed(inputs, to, _as_it_is), to(params[f"{name}.weight"]))
        outputs = _passed(product, _as_it_is, to) + params.get(f"{name}.bias", 0.0)
        return tap(name, inputs, outputs)

    model = ChangedModel(case, change)
    found = run(model, case.params, case)
    gradients = dict(found.gradients)
    for name in gradients:
        layer = found.layers[name.rpartition(".")[0]]
        if last and name.endswith(".weight") and name.rpartition(".")[0] not in looked_up:
            inputs, deltas = to(layer.inputs), to(layer.deltas)
            gradients[name] = np.matmul(inputs.swapaxes(1, 2), deltas)
    return from_run(case, found.losses, gradients)


def _tf32_values(case: GoldenCase) -> Iterator[Values]:
    for to in (TF32.rounded, TF32.truncated):
        for last in (True, False):
            yield in_tf32(case, to, last)


def _has_tf32_factors(case: GoldenCase, report: QuantityReport) -> bool:
    """Whether one way of rounding factors explains every value to the digits of float32."""
    single = case.tolerance["float32"]
    if single is None or not _is_seen(case) or not comparable(case, report):
        return False
    report = replace(report, dtype="float32", tolerance=single)
    coarser = 2.0**-TF32.bits / ROUNDOFF["float32"]
    arrays = list(arrays_of(case, report, case.expected[report.quantity]))
    if not all(_is_off_by_little(got, right, coarser * a) for got, _, right, a in arrays):
        return False
    return any(
        meets(case, report, made[report.quantity])
        and _n_explained(case, report, made[report.quantity]) >= ENOUGH
        for made in _tf32_values(case)
    )


@np.errstate(all="ignore")
def _tf32(case: GoldenCase, report: QuantityReport, tolerance: float) -> bool:
    fits_float16 = all(FORMATS["float16"].holds(got).all() for got in report.got.values())
    return _has_tf32_factors(case, report) and not fits_float16


def _n_explained(case: GoldenCase, report: QuantityReport, values: Any) -> int:
    """Number of values that are ten times nearer to what is made than to what is right."""
    n = 0
    for got, made, right, allowed in arrays_of(case, report, values):
        apart = np.abs(made - right)
        n += int(((apart > 2 * allowed) & (np.abs(got - made) < 0.1 * apart)).sum())
    return n


@known_as("tensor-float-products", _tf32, judged=JUDGED)
def _tf32_products(case: GoldenCase) -> Values:
    if not _is_seen(case):
        return {}
    return dict(map_structure(lambda value: np.asarray(value, np.float32), in_tf32(case)))
