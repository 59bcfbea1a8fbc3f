"""What a backend computes whose model is changed: losses, gradients, and all that follows.

Imports ``contract``, ``gradients``, ``osgr/enumerated`` and, of ``golden``, ``case`` and
``diagnosis/derived``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from gsnr_ref.contract import Array, Params
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import Values, from_gradients, scaled, shares_of
from gsnr_ref.gradients.loop import looped_gradients
from gsnr_ref.gradients.tapped import TappedLayer, tapped_layers
from gsnr_ref.osgr.enumerated import count_vectors, multinomial_probability

Tap = Callable[[str, Any, Any], Any]
#: From the parameters, a tap, and the name, inputs and outputs of an affine map to its new outputs.
Change = Callable[[Params, Tap, str, Any, Any], Any]
Loss = Callable[[Any, Any], Any]


def layers_of(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every layer, those within residual connections too."""
    for layer in model["layers"]:
        yield layer
        yield from layers_of(layer) if "layers" in layer else ()


def rewritten(
    case: GoldenCase,
    layer: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    loss: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> GoldenCase:
    """The case with another model: each layer, and the loss, as these functions state them."""

    def restated(stated: dict[str, Any]) -> dict[str, Any]:
        inner = {"layers": [restated(la) for la in stated["layers"]]} if "layers" in stated else {}
        return layer(stated) | inner

    layers = [restated(stated) for stated in case.model["layers"]]
    return replace(case, model=case.model | {"layers": layers, "loss": loss(case.model["loss"])})


def unchanged(params: Params, tap: Tap, name: str, inputs: Any, outputs: Any) -> Any:
    return tap(name, inputs, outputs)


class ChangedModel:
    """The model of a case, some of whose affine maps, or whose loss, compute something else.

    Parameters
    ----------
    case : GoldenCase
    change : callable
        ``change(params, tap, name, inputs, outputs)`` -> the outputs of the affine map.
    outputs : callable, optional
        ``outputs(outputs, y)`` -> what the loss is given instead of the outputs.
    """

    def __init__(
        self, case: GoldenCase, change: Change = unchanged, outputs: Loss | None = None
    ) -> None:
        self.model, self.change = case.build(), change
        self.trainable = self.model.trainable
        self.is_tapped = getattr(self.model, "is_tapped", True)
        if outputs is not None:
            loss = self.model.per_sample_loss
            self.model.per_sample_loss = lambda given, y: loss(outputs(given, y), y)

    def loss(self, params: Params, x: Any, y: Any, tap: Tap = lambda name, i, o: o) -> Any:
        """Per-sample losses, shape (n_samples,)."""

        def changed(name: str, inputs: Any, outputs: Any) -> Any:
            return self.change(params, tap, name, inputs, outputs)

        return self.model.loss(params, x, y, changed)


@dataclass(frozen=True, eq=False)
class Run:
    """Losses, per-sample gradients, and what every affine map saw (nothing without a tap)."""

    losses: Array
    gradients: Params
    layers: dict[str, TappedLayer]


def run(model: ChangedModel, params: Params, case: GoldenCase) -> Run:
    """Losses and per-sample gradients of a model on the samples of a case."""
    losses = np.asarray(model.loss(params, case.x, case.y))
    if not model.is_tapped:
        return Run(losses, looped_gradients(model, params, case.x, case.y), {})
    layers = tapped_layers(model, params, case.x, case.y)
    gradients = {p: layers[p.rpartition(".")[0]].gradients(p) for p in model.trainable}
    return Run(losses, gradients, layers)


def of_another_model(case: GoldenCase, other: GoldenCase) -> Values:
    """Everything that a backend computes which has the model of another case."""
    found = run(ChangedModel(other), case.params, case)
    return from_run(case, found.losses, found.gradients, right_losses_at(other))


def from_run(
    case: GoldenCase,
    losses: Array,
    gradients: Params,
    losses_at: Callable[[Params], Array] | None = None,
) -> Values:
    """Everything that is computed from losses and per-sample gradients.

    `losses_at` gives the losses after a step, for OSGR by its definition; without it, that is left
    as it is.
    """
    values = {"losses": losses, **from_gradients(case, gradients)}
    if case.reduction != "none":
        factor = len(losses) if case.reduction == "sum" else 1
        values["reduced_loss"] = float(losses.mean() * factor)
        values["reduced_gradient"] = scaled(values["mean"], factor)
    if "enumerated_osgr" in case.expected and losses_at is not None:
        values["enumerated_osgr"] = enumerated(case, gradients, losses_at)
    return values


def right_losses_at(case: GoldenCase) -> Callable[[Params], Array]:
    """The losses of the case's own model, as a function of the parameters."""
    model = case.build()
    return lambda params: np.asarray(model.loss(params, case.x, case.y))


def training_sets(
    case: GoldenCase, key: str, gradients: Params, losses_at: Callable[[Params], Array]
) -> Iterator[tuple[Any, Any, Any]]:
    """Probability of each training set, and by how much its loss and the test loss fall."""
    shares = shares_of(case)
    exact, before = [Fraction(v) for v in shares.tolist()], losses_at(case.params)
    n, rate = (float(part.partition("=")[2]) for part in key.split())
    for counts in count_vectors(int(n), len(shares)):
        share = np.array(counts) / n
        steps = {k: rate * np.tensordot(share, g, 1) for k, g in gradients.items()}
        falls = before - losses_at({k: v - steps.get(k, 0) for k, v in case.params.items()})
        chance = float(multinomial_probability(counts, exact))
        yield chance, share @ falls, shares @ falls


def enumerated(
    case: GoldenCase, gradients: Params, losses_at: Callable[[Params], Array]
) -> dict[str, float]:
    """OSGR by its definition: equation 5, over every training set."""
    values = {}
    for key in case.expected["enumerated_osgr"]:
        sets = np.array(list(training_sets(case, key, gradients, losses_at)))
        training, test = sets[:, 0] @ sets[:, 1], sets[:, 0] @ sets[:, 2]
        values[key] = float(test / training)
    return values
