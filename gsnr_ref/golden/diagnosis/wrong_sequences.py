"""Mistakes with tokens: how their losses are added up, and weights that are used twice.

Imports ``contract`` and, of ``golden``, ``case``, ``diagnosis/derived``, ``diagnosis/mistake`` and
``diagnosis/recomputed``.
"""

from dataclasses import replace

import numpy as np

from gsnr_ref.contract import Array, Params
from gsnr_ref.golden.case import GoldenCase
from gsnr_ref.golden.diagnosis.derived import (
    Values,
    by_sample,
    from_moments,
    right_moments,
    shares_of,
)
from gsnr_ref.golden.diagnosis.mistake import known_as
from gsnr_ref.golden.diagnosis.recomputed import (
    ChangedModel,
    from_run,
    layers_of,
    right_losses_at,
    run,
)


def _over_tokens(case: GoldenCase) -> str:
    """What becomes of the losses of a sample's tokens: "mean", "sum", or "" without tokens."""
    return str(case.model["loss"].get("tokens", ""))


def _n_counted(case: GoldenCase) -> Array:
    """How many tokens of each sample are not masked."""
    return np.asarray((case.y >= 0).sum(axis=1))


def _times(case: GoldenCase, factors: Array) -> Values:
    """Each sample's loss times its own factor."""
    e, right = case.expected, right_losses_at(case)
    gradients = by_sample(e["per_sample_gradients"], factors)
    return from_run(case, e["losses"] * factors, gradients, lambda params: right(params) * factors)


@known_as("token-sum-for-mean")
def _token_sum_for_mean(case: GoldenCase) -> Values:
    return _times(case, _n_counted(case)) if _over_tokens(case) == "mean" else {}


@known_as("token-mean-for-sum")
def _token_mean_for_sum(case: GoldenCase) -> Values:
    return _times(case, 1 / _n_counted(case)) if _over_tokens(case) == "sum" else {}


@known_as("token-mean-over-batch")
def _token_mean_over_batch(case: GoldenCase) -> Values:
    if _over_tokens(case) != "mean":
        return {}
    counted = _n_counted(case)
    return _times(case, counted / counted.mean())


@known_as("masked-tokens-counted")
def _masked_tokens_counted(case: GoldenCase) -> Values:
    if _over_tokens(case) != "mean":
        return {}
    return _times(case, _n_counted(case) / case.y.shape[1])


@known_as("masked-tokens-as-last-class")
def _masked_tokens_as_last_class(case: GoldenCase) -> Values:
    if not _over_tokens(case) or (case.y >= 0).all():
        return {}
    labelled = replace(case, y=np.where(case.y < 0, case.n_outputs - 1, case.y))
    found = run(ChangedModel(labelled), case.params, labelled)
    return from_run(case, found.losses, found.gradients, right_losses_at(labelled))


def _uses(case: GoldenCase) -> tuple[str, Params] | None:
    """A tied embedding's weight, and its per-sample gradients as "input" and as "output"."""
    tied = {la["name"] for la in layers_of(case.model) if la.get("transposed")}
    for layer in layers_of(case.model):
        if layer["type"] == "embedding" and layer["name"] in tied:
            # The tap sees the tokens of a sample first, and then every row, for the outputs.
            seen = run(ChangedModel(case), case.params, case).layers[layer["name"]]
            parts = {"input": slice(layer["n_steps"]), "output": slice(layer["n_steps"], None)}
            return f"{layer['name']}.weight", {
                use: np.einsum("ips,ipc->isc", seen.inputs[:, part], seen.deltas[:, part])
                for use, part in parts.items()
            }
    return None


def _one_use(case: GoldenCase, use: str) -> Values:
    found = _uses(case)
    if found is None:
        return {}
    name, gradients = found
    e = case.expected
    only = e["per_sample_gradients"] | {name: gradients[use]}
    return from_run(case, e["losses"], only, right_losses_at(case))


@known_as("tied-input-only")
def _tied_input_only(case: GoldenCase) -> Values:
    return _one_use(case, "input")


@known_as("tied-output-only")
def _tied_output_only(case: GoldenCase) -> Values:
    return _one_use(case, "output")


@known_as("tied-gradients-stacked")
def _tied_gradients_stacked(case: GoldenCase) -> Values:
    found = _uses(case)
    if found is None:
        return {}
    name, gradients = found
    stacked, n = np.concatenate([gradients["input"], gradients["output"]]), len(case.x)
    shares = np.tile(shares_of(case), 2) / 2
    mean, ddof0, ddof1 = right_moments(case)
    wrong = np.tensordot(shares, stacked, 1)
    variance = np.tensordot(shares, (stacked - wrong) ** 2, 1)
    if ddof1 is not None:
        ddof1 = ddof1 | {name: variance * 2 * n / (2 * n - 1)}
    values = from_moments(case, mean | {name: wrong}, ddof0 | {name: variance}, ddof1)
    return values | {
        "per_sample_gradients": case.expected["per_sample_gradients"] | {name: stacked}
    }
