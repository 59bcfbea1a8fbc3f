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
    model.coef_, model.intercept_ = weight, bias
    if two:
        model.coef_, model.intercept_ = weight[1:] - weight[:1], bias[1:] - bias[:1]
    model.classes_ = np.arange(len(weight))

    def named(found, sign, axis):
        """Under our names; of two classes the first has the second's values, or minus them."""
        if two:
            found = {k: np.concatenate((sign * v, v), axis) for k, v in found.items()}
        return {ours[k]: v for k, v in found.items() if ours[k] in params}

    gradients = sklearn_logistic.per_sample_gradients(model, case.x, case.y)

    def moments(ddof):
        mean, variance = sklearn_logistic.mean_and_variance(gradients, ddof)
        gsnr = sklearn_logistic.gsnr(model, case.x, case.y, ddof)
        return named(mean, -1, 0), named(variance, 1, 0), named(gsnr, 1, 0)

    losses = -model.predict_log_proba(case.x)[np.arange(len(case.x)), case.y]
    rows = named(gradients, -1, 1)
    return {"per_sample_gradients": rows} | from_moments(case, losses, moments)
