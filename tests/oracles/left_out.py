"""n real runs of gradient descent, each without one sample: the oracle of leave-one-out.

Per-sample gradients are the package's; no Hessian and no influence is.
"""

import numpy as np

from gsnr_ref import per_sample_gradients


def left_out_runs(model, params, x, y, rate, steps, left_out=None):
    """Gap, R_h and κ at each of the steps: held out is the sample that a run did not see.

    Only the first `left_out` samples have their turn, if it is given: enough where the others are
    copies of them.
    """
    n = len(x)
    turns = range(left_out or n)
    number = 1 if x.dtype == object else 1.0
    rows = {step: [] for step in steps}
    whole = params
    alone = [params for _ in turns]
    for step in range(max(steps) + 1):
        if step in steps:
            rises, across, squares, noises = [], [], [], []
            seen = model.loss(whole, x, y)
            for i in turns:
                gradients = _rows(model, alone[i], x, y)
                rest = np.delete(gradients, i, axis=0)
                mean = sum(rest) * number / (n - 1)
                rises.append(model.loss(alone[i], x[i : i + 1], y[i : i + 1])[0] - seen[i])
                across.append(mean @ gradients[i])
                squares.append(mean @ mean)
                noises.append(((rest - mean) ** 2).sum() * number / (n - 2) / (n - 1))
            rows[step] = (
                sum(rises) / len(turns),
                sum(across) / sum(squares),
                (sum(squares) - sum(across)) / sum(noises),
            )
        whole = _stepped(model, whole, x, y, rate)
        alone = [
            _stepped(model, alone[i], np.delete(x, i, axis=0), np.delete(y, i, axis=0), rate)
            for i in turns
        ]
    return np.array([rows[step] for step in steps]).T


def _rows(model, params, x, y):
    gradients = per_sample_gradients(model, params, x, y)
    return np.concatenate([g.reshape(len(x), -1) for g in gradients.values()], axis=1)


def _stepped(model, params, x, y, rate):
    gradients = per_sample_gradients(model, params, x, y)
    return params | {k: params[k] - rate * (g.sum(axis=0) / len(x)) for k, g in gradients.items()}
