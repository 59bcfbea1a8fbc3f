"""Per-sample gradients by central differences, for tests."""

import numpy as np

#: A central difference with step 1e-5 errs by about 1e-10 by its step, and 1e-11 by rounding.
STEP, NEAR = 1e-5, 1e-8


def differences(losses_at, params, names):
    """Per-sample gradients by central differences of per-sample losses."""
    gradients = {}
    for name in names:
        columns = []
        for index in np.ndindex(params[name].shape):
            sides = []
            for sign in (1, -1):
                moved = {k: v.copy() for k, v in params.items()}
                moved[name][index] += sign * STEP
                sides.append(losses_at(moved))
            columns.append((sides[0] - sides[1]) / (2 * STEP))
        gradients[name] = np.stack(columns, axis=1).reshape(-1, *params[name].shape)
    return gradients


def assert_is_gradient_of(losses_at, case, wrong, names=None):
    names = names or case.model["trainable"]
    for name, by_differences in differences(losses_at, case.params, names).items():
        made = wrong["per_sample_gradients"][name]
        np.testing.assert_allclose(made, by_differences, rtol=0, atol=NEAR * np.abs(made).max())
