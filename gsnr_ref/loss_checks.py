"""Is each sample's loss its own? Two samples tell.

Imports ``contract`` and ``two_samples``.

A loss must give one number a sample, the same number each time and in every batch, and leave what
it is given unchanged. Otherwise no sample has a gradient of its own.
"""

import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, InputError, Model, Params, is_exact
from gsnr_ref.two_samples import TwoSamples, compare, same

_REPEATS = 4  # of a call, and eight times as many before a loss is said to depend on others
_RANDOM = "the same call gives different losses: usually dropout, or other noise drawn in the loss"
_REMEMBERED: dict[int, set[Any]] = {}


@dataclass(frozen=True)
class Verdict:
    """What two samples say of the loss, of the taps, or of a parameter.

    Attributes
    ----------
    subject : str
        ``"loss"``, ``"taps"``, or a parameter's name.
    outcome : {"ok", "broken", "undecided"}
    text : str
        What was found, and what usually causes it where the evidence tells.

    Examples
    --------
    >>> print(Verdict("loss", "ok", "one number a sample"))
    loss: ok: one number a sample
    """

    subject: str
    outcome: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.outcome}: {self.text}"


@dataclass(frozen=True)
class ModelReport:
    """What `gsnr_ref.check_model` returns.

    Attributes
    ----------
    verdicts : tuple of Verdict
        On the loss, and on each trainable parameter.

    Examples
    --------
    >>> report = ModelReport((Verdict("loss", "ok", "one number a sample"),))
    >>> report.ok, report.broken
    (True, False)
    """

    verdicts: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """Whether everything was decided, and nothing is broken."""
        return all(v.outcome == "ok" for v in self.verdicts)

    @property
    def broken(self) -> bool:
        """Whether the model is known to break the contract."""
        return any(v.outcome == "broken" for v in self.verdicts)

    def __str__(self) -> str:
        return "\n".join(map(str, self.verdicts))


def loss_verdict(two: TwoSamples, params: Params) -> Verdict:
    """Say whether the loss is each sample's own; the first fault that is found.

    Parameters
    ----------
    two : TwoSamples
    params : dict of str to ndarray
        As the user gave them: what the loss may have changed is compared with them.
    """
    x, y, theta = two.x.copy(), two.y.copy(), dict(two.params)
    pair = np.asarray(two.model.loss(theta, x, y))
    if pair.shape != (2,):
        return Verdict("loss", "broken", wrong_shape(pair.shape, 2))
    changed = [name for name, a, b in (("x", x, two.x), ("y", y, two.y)) if not same(a, b)]
    if theta.keys() != params.keys():
        changed.append("params")
    else:
        changed += [f"params[{k!r}]" for k, v in theta.items() if not same(v, params[k])]
    if changed:
        what = " and ".join(changed)
        return Verdict("loss", "broken", f"it changes its {what}: usually an operation in place")
    if _is_random(two, pair, _REPEATS):
        return Verdict("loss", "broken", _RANDOM)
    alone = [two.losses([i]) for i in (0, 1)]
    for losses in alone:
        if losses.shape != (1,):
            return Verdict("loss", "broken", wrong_shape(losses.shape, 1))
    return _dependence(two, pair, np.concatenate(alone))


def wrong_shape(shape: tuple[int, ...], n_samples: int) -> str:
    """Say what shape losses have, what was expected, and what usually causes it.

    Examples
    --------
    >>> wrong_shape((3, 1), 3)
    'model.loss returned shape (3, 1); expected per-sample losses, (3,): usually an axis too many'
    """
    usually = ""
    if shape == ():
        usually = ": usually a sum or mean over the samples"
    elif shape == (n_samples, n_samples) and n_samples > 1:
        usually = ": usually a difference of (n, 1) and (n,)"
    elif np.prod(shape) == n_samples:
        usually = ": usually an axis too many"
    return f"model.loss returned shape {shape}; expected per-sample losses, ({n_samples},){usually}"


def check_losses_shape(losses: Any, n_samples: int) -> None:
    """Refuse losses that are not one number a sample.

    Examples
    --------
    >>> check_losses_shape(np.array(1.0), 3)
    Traceback (most recent call last):
        ...
    gsnr_ref.contract.InputError: model.loss returned shape (); expected per-sample losses, ...
    """
    if np.shape(losses) != (n_samples,):
        raise InputError(wrong_shape(np.shape(losses), n_samples))


def _is_random(two: TwoSamples, pair: Array, repeats: int) -> bool:
    again = [two.losses([0, 1]) for _ in range(repeats)]
    return any(not same(a, pair) and compare(a, pair, lambda: 0.0) == "broken" for a in again)


def _dependence(two: TwoSamples, pair: Array, alone: Array) -> Verdict:
    """Compare a sample's loss alone, beside its twin, and beside the other sample."""
    if not (is_exact(pair) or np.isfinite(pair).all()):
        return Verdict("loss", "undecided", "it is not finite at the samples looked at")
    twins = [two.losses([i, i]) for i in (0, 1)]

    def rounding(i: int) -> Callable[[], Any]:
        return lambda: two.rounding(lambda params: two.losses([i], params=params))

    in_company = [compare(pair[i], twins[i][i], rounding(i)) for i in (0, 1)]
    in_number = [compare(twins[i], alone[i], rounding(i)) for i in (0, 1)]
    if "broken" in in_company + in_number:
        if _is_random(two, pair, 8 * _REPEATS):
            return Verdict("loss", "broken", _RANDOM)
        if "broken" in in_company:
            return Verdict("loss", "broken", _company(two, pair, in_company.index("broken")))
        return Verdict("loss", "broken", _number(twins, alone))
    if "undecided" in in_company + in_number:
        text = "a sample's loss is so near 0 that rounding hides whether it depends on the batch"
        return Verdict("loss", "undecided", text)
    if not two.distinct:
        text = "two different samples are needed to see whether a loss depends on other samples"
        return Verdict("loss", "undecided", text)
    return Verdict("loss", "ok", "each sample's own, the same each time; inputs left alone")


def _company(two: TwoSamples, pair: Array, i: int) -> str:
    """A loss changes with the other sample: with its x, or its y?"""
    rows = [0, 1]
    twin = [i, i]
    with_its_y = two.losses(twin, labels=rows)[i]  # the other has sample i's x
    with_its_x = two.losses(rows, labels=twin)[i]  # the other has sample i's y
    by_x, by_y = (
        compare(changed, pair[i], lambda: 0.0) == "broken" for changed in (with_its_y, with_its_x)
    )
    if by_y and not by_x:
        what, usually = "y", ": usually a difference of (n, 1) and (n,)"
    elif by_x and not by_y:
        what, usually = "x", ": usually batch normalization, or another statistic over the batch"
    else:
        what, usually = "x and y", ""
    return f"a sample's loss changes with the {what} of another sample{usually}"


def _number(twins: list[Array], alone: Array) -> str:
    """A loss is another beside a copy of its sample than alone."""
    if any(not np.isclose(float(a), float(b), rtol=1e-6, atol=0) for a, b in twins):
        return "a sample's loss changes with its place in the batch"
    factors = [float(twins[i][i] / alone[i]) if alone[i] else np.nan for i in (0, 1)]
    if not np.isclose(factors[0], factors[1], rtol=1e-6, atol=0):
        return "a sample's loss changes with the number of samples in the batch"
    text = f"a sample's loss in a batch of two is {factors[0]:.6g} × its loss alone"
    if np.isclose(factors[0], 0.5, rtol=1e-6, atol=0):
        text += ": usually a division by the number of samples, / len(x)"
    return text


def look(
    model: Model,
    params: Params,
    x: Array,
    y: Array,
    verdicts: Callable[[TwoSamples, Params], list[Verdict]],
) -> ModelReport:
    """Take two samples and put together what is found there."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent of input")
        return ModelReport(tuple(verdicts(TwoSamples(model, params, x, y), params)))


def look_once(
    model: Model,
    params: Params,
    x: Array,
    y: Array,
    verdicts: Callable[[TwoSamples, Params], list[Verdict]],
) -> None:
    """Refuse a model that breaks the contract; what was found in order is not looked at again.

    A model is remembered as long as it lives, with the shapes and names that it was looked at
    with. What two samples leave undecided is let through, and looked at again the next time.
    """
    shapes = tuple((name, np.shape(value)) for name, value in params.items())
    kinds = (x.shape[1:], y.shape[1:], x.dtype.kind, y.dtype.kind)
    structure = (verdicts, tuple(model.trainable), shapes, kinds)
    known = _known(model)
    if structure in known:
        return
    try:
        report = look(model, params, x, y, verdicts)
    except Exception as error:
        model.loss(params, x, y)  # what is wrong with all samples is told with their shape
        raise InputError(
            f"model.loss fails on two of the samples, or on one alone: {error}"
        ) from error
    if report.broken:
        broken = "\n".join(f"  {v}" for v in report.verdicts if v.outcome == "broken")
        raise InputError(
            f"{type(model).__name__} breaks the contract of gsnr_ref.Model at two samples "
            f"(check=False does not look):\n{broken}"
        )
    if report.ok:
        known.add(structure)


def _known(model: Model) -> set[Any]:
    """The structures that a model was found in order with; forgotten when the model dies."""
    if id(model) not in _REMEMBERED:
        try:
            weakref.finalize(model, _REMEMBERED.pop, id(model), None).atexit = False
        except TypeError:  # it takes no weak reference, so nothing tells when its id is free
            return set()
        _REMEMBERED[id(model)] = set()
    return _REMEMBERED[id(model)]


def own_losses(two: TwoSamples, params: Params) -> list[Verdict]:
    """What a route that only reads losses needs."""
    return [loss_verdict(two, params)]
