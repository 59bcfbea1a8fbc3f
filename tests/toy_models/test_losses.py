import mpmath
import numpy as np
import pytest

from toy_models import cross_entropy, squared_error

mp = mpmath.mp.clone()  # of its own: other tests keep their precision
mp.dps = 10_000  # exp(−20,000) beside 1
EXTREME = [
    [0.0, 0.0, 0.0], [1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [700.0, -700.0, 1.0],
    [1e-9, -1e-9, 0.0], [60.0, 0.0, 1.0], [1e4, 1e4, 1e4], [0.5, 3.0, -2.0],
]  # fmt: skip


def exact_cross_entropy(logits, label):
    total = sum(mp.exp(mp.mpf(z)) for z in logits)
    return mp.log(total) - mp.mpf(logits[label])


@pytest.mark.parametrize("logits", EXTREME)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_cross_entropy_has_all_its_digits(logits, label):
    exact = float(exact_cross_entropy(logits, label))
    value = cross_entropy(np.array([logits]), np.array([label]))[0]
    assert np.isclose(value, exact, rtol=1e-14, atol=0)  # a few roundings


def test_squared_error_is_half_the_sum_over_outputs():
    outputs, y = np.array([[1.0, 4.0], [0.0, 0.0]]), np.array([[0.0, 2.0], [1.0, 1.0]])
    assert squared_error(outputs, y).tolist() == [2.5, 1.0]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([0.0, 1.0]), "dtype float64"),
        (np.array([0, 3]), "0 to 3; expected 0 to 2"),
        (np.array([-1, 0]), "-1 to 0"),
        (np.array([0]), r"shape \(1,\)"),
    ],
)
def test_cross_entropy_names_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(np.zeros((2, 3)), y)


def test_squared_error_names_a_bad_shape():
    with pytest.raises(ValueError, match=r"y has shape \(2, 3\); expected \(2, 1\)"):
        squared_error(np.zeros((2, 1)), np.zeros((2, 3)))
