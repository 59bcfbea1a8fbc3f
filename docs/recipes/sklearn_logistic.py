"""GSNR of scikit-learn's logistic regression, in NumPy: its gradients are known by hand.

The loss of a sample is its cross-entropy −log p_y. The penalty (``C``) belongs to no sample: it is
left out, as it is where GSNR predicts the generalization of a gradient step on the data.
"""

import numpy as np


def per_sample_gradients(model, x, y):
    """Gradients of ``coef_`` (n, n_classes, n_features) and ``intercept_`` (n, n_classes)."""
    one_hot = (np.asarray(y)[:, None] == model.classes_).astype(x.dtype)
    delta = model.predict_proba(x) - one_hot
    if len(model.coef_) == 1:  # two classes, one row: that of classes_[1]
        delta = delta[:, 1:]
    return {"coef_": delta[:, :, None] * x[:, None, :], "intercept_": delta}


def mean_and_variance(gradients, ddof=0):
    """By parameter; deviations are taken from the first sample, so that equal samples give 0."""
    mean, variance = {}, {}
    for name, g in gradients.items():
        d = g - g[0]
        mean[name], variance[name] = g[0] + d.mean(0), d.var(0, ddof=ddof)
    return mean, variance


def gsnr(model, x, y, ddof=1):
    """Squared mean over variance: inf where all samples agree, nan where all gradients are 0."""
    mean, variance = mean_and_variance(per_sample_gradients(model, x, y), ddof)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: mean[name] ** 2 / variance[name] for name in mean}


if __name__ == "__main__":
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    x, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(x, y)
    print(gsnr(model, x, y)["coef_"].round(3))
