"""Norms with another epsilon, or with a variance over one less."""

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden.diagnosis.wrong_norms import with_epsilon
from tests.gsnr_ref.golden.diagnosis.differences import assert_is_gradient_of
from tests.gsnr_ref.golden.diagnosis.made_up import report_of

CASE = golden.load("group-norm-convolution")
CONV, NORM = CASE.model["layers"][:2]


def losses_at(params, eps=NORM["eps"], ddof=0):
    """Of a convolution, a group norm, a ReLU and a dense layer, image by image."""
    k, losses = CONV["kernel"], []
    for image, y in zip(CASE.x, CASE.y, strict=True):
        side = image.shape[0] - k + 1
        patches = [image[u : u + k, v : v + k].ravel() for u in range(side) for v in range(side)]
        maps = np.array(patches) @ params["conv1.weight"] + params["conv1.bias"]
        for group in np.split(np.arange(maps.shape[1]), NORM["n_groups"]):
            part = maps[:, group]
            maps[:, group] = (part - part.mean()) / np.sqrt(part.var(ddof=ddof) + eps)
        hidden = np.maximum(maps * params["norm1.scale"] + params["norm1.shift"], 0)
        outputs = hidden.ravel() @ params["dense1.weight"] + params["dense1.bias"]
        losses.append(((outputs - y) ** 2).sum() / 2)
    return np.array(losses)


def test_a_group_norm_with_another_variance_or_epsilon():
    np.testing.assert_allclose(losses_at(CASE.params), CASE.expected["losses"], rtol=1e-12)
    for id, changed in (("another-norm-epsilon", {"eps": 0.0}), ("bessel-in-norm", {"ddof": 1})):
        wrong = golden.mistakes()[id].wrong(CASE)
        losses = losses_at(CASE.params, **changed)
        np.testing.assert_allclose(wrong["losses"], losses, rtol=1e-12)
        assert_is_gradient_of(lambda p, changed=changed: losses_at(p, **changed), CASE, wrong)


def test_where_there_is_something_to_be_wrong():
    mistakes = golden.mistakes()
    epsilon, bessel = mistakes["another-norm-epsilon"].wrong, mistakes["bessel-in-norm"].wrong
    assert epsilon(golden.load("linear")) == bessel(golden.load("linear")) == {}
    rms = golden.load("rms-norm-squared-error")  # no variance is taken
    assert bessel(rms) == {} and epsilon(rms)
    residual = golden.load("layer-norm-residual")
    assert bessel(residual) and epsilon(residual)
    evaluated = golden.load("batch-norm-evaluation")
    assert bessel(evaluated) == {} and epsilon(evaluated)


@pytest.mark.parametrize("eps", [0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-3])
def test_every_usual_epsilon_is_recognized_but_that_of_the_case(eps):
    case = golden.load("layer-norm-positions")
    judge = golden.mistakes()["another-norm-epsilon"].judge
    wrong = with_epsilon(case, eps)
    report = report_of(case, wrong["losses"])
    assert judge(case, report, report.tolerance)
    twice = report_of(case, 2 * wrong["losses"])
    assert not judge(case, twice, twice.tolerance)
    own = with_epsilon(case, case.model["layers"][1]["eps"])
    np.testing.assert_allclose(own["losses"], case.expected["losses"], rtol=1e-12)


@np.errstate(invalid="ignore")  # 0/0 in the GSNR of a pixel that is 0
def test_its_own_epsilon_is_no_other():
    """Even where values fail that are nearly right."""
    judge = golden.mistakes()["another-norm-epsilon"].judge
    own = report_of(CASE, with_epsilon(CASE, 1e-5)["losses"] * (1 + 2e-16), tolerance=0.0)
    assert not judge(CASE, own, 1e-12)
    assert not judge(CASE, report_of(CASE, [1.0], "losses"), 1e-12)
    linear = golden.load("linear")
    assert not judge(linear, report_of(linear, 2 * linear.expected["losses"]), 1e-12)
