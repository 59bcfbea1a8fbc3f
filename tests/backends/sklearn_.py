"""The recipe for scikit-learn's logistic regression: the linear softmax cases."""

import numpy as np
import sklearn
import sklearn_logistic
from sklearn.linear_model import LogisticRegression

from tests.backends.common import from_moments

NAME, RECIPE, DTYPES = "scikit-learn logistic regression", "sklearn_logistic.py", ("float64",)
LAYOUT, LAYERS = "torch", {"affine"}  # coef_ is (n_classes, n_features)
LEAVES_OUT = {
    "flags": ["squared-error", "loss-scaled", "weighted"],
    "quantities": ["enumerated_osgr"],
}
CLAIMS = ("core",)


def version():
    return sklearn.__version__


def results(case, dtype):
    """Every quantity of a case but the enumerated OSGR."""
    params = case.params_in("torch")
    name = case.model["layers"][0]["name"]
    ours = {"coef_": f"{name}.weight", "intercept_": f"{name}.bias"}
    weight = params[ours["coef_"]]
    bias = params.get(ours["intercept_"], np.zeros(len(weight)))
    two = len(weight) == 2  # scikit-learn keeps one row then: the second class's less the first's
    model = LogisticRegression()
    model.coef_, model.intercept_ = (
        (weight[1:] - weight[:1], bias[1:] - bias[:1]) if two else (weight, bias)
    )
    model.classes_ = np.arange(len(weight))

    def named(found, first=1):
        """Under our names; of two classes, the first one's values are the second's times `first`."""
        both = {
            k: np.concatenate((first * v, v), axis=v.ndim - weight.ndim) if two else v
            for k, v in found.items()
        }
        return {ours[k]: v for k, v in both.items() if ours[k] in params}

    gradients = sklearn_logistic.per_sample_gradients(model, case.x, case.y)

    def moments(ddof):
        mean, variance = sklearn_logistic.mean_and_variance(gradients, ddof)
        gsnr = sklearn_logistic.gsnr(model, case.x, case.y, ddof)
        return named(mean, -1), named(variance), named(gsnr)

    losses = -model.predict_log_proba(case.x)[np.arange(len(case.x)), case.y]
    rows = {k: v for k, v in gradients.items()}
    values = {
        ours[k]: np.concatenate((-v, v), axis=1) if two else v
        for k, v in rows.items()
        if ours[k] in params
    }
    return {"per_sample_gradients": values} | from_moments(case, losses, moments)
