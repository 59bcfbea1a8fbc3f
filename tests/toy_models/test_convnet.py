import numpy as np
import pytest

from gsnr_ref import gradient_moments, per_sample_gradients
from tests.oracles.differences import central_differences
from tests.oracles.exact import exact_moments
from toy_models import ConvNet
from toy_models.convnet import _add_patches, max_pool, patches

RNG = np.random.default_rng(0)
NETS = [
    (ConvNet((6, 7, 2), (3,), (4,), 3, kernel=3, activation="tanh"), (6, 7, 2)),
    (ConvNet((8, 8, 1), (2, 3), (), 3, kernel=3, padding=1, convolutions=2, loss="squared"), (64,)),
    (ConvNet((5, 5, 1), (2,), (3,), 2, kernel=2, bias=False, frozen=("conv1",)), (25,)),
]


def problem(net, shape, n=5):
    n_outputs = net.layers[list(net.layers)[-1]][1]
    x = RNG.normal(size=(n, *shape))
    squared = net.per_sample_loss.__name__ == "squared_error"
    y = RNG.normal(size=(n, n_outputs)) if squared else RNG.integers(0, n_outputs, n)
    params = net.init(0)
    biases = {k: RNG.normal(size=v.shape) for k, v in params.items() if k.endswith("bias")}
    return params | biases, x, y  # with biases of 0, dead pixels put the next layer on the kink


def test_it_is_its_formula():
    net, shape = NETS[0]
    params, x, y = problem(net, shape)
    w, b = params["conv1.weight"].reshape(3, 3, 2, 3), params["conv1.bias"]
    expected = []
    for i in range(len(x)):
        z = np.empty((4, 5, 3))
        for r in range(4):
            for q in range(5):
                for c in range(3):
                    z[r, q, c] = b[c] + sum(
                        x[i, r + u, q + v, k] * w[u, v, k, c]
                        for u in range(3) for v in range(3) for k in range(2)
                    )  # fmt: skip
        a = np.tanh(z)
        pooled = np.array([[[max(a[2 * r + u, 2 * q + v, c] for u in (0, 1) for v in (0, 1))
                             for c in range(3)] for q in range(2)] for r in range(2)])  # fmt: skip
        h = np.tanh(pooled.ravel() @ params["dense1.weight"] + params["dense1.bias"])
        o = h @ params["dense2.weight"] + params["dense2.bias"]
        expected.append(np.log(np.exp(o).sum()) - o[y[i]])
    assert np.allclose(net.loss(params, x, y), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("net", "shape"), NETS)
def test_gradients_and_moments_are_the_loops_and_the_differences(net, shape):
    params, x, y = problem(net, shape)
    tapped = per_sample_gradients(net, params, x, y)
    looped = per_sample_gradients(net, params, x, y, method="loop")
    differences = central_differences(net, params, x, y)
    moments = gradient_moments(net, params, x, y)
    for name in net.trainable:
        assert np.allclose(tapped[name], looped[name], rtol=1e-12, atol=1e-14)
        # step 1e-5: truncation about 1e-10, rounding about 1e-11 of a loss of 1
        assert np.allclose(tapped[name], differences[name], rtol=1e-6, atol=1e-8)
        _, mean, m2 = exact_moments(looped[name])
        assert np.allclose(moments.mean[name], mean.astype(float), rtol=1e-11, atol=1e-14)
        assert np.allclose(moments.m2[name], m2.astype(float), rtol=1e-11, atol=1e-14)


def test_moments_do_not_depend_on_the_chunk():
    net, shape = NETS[0]
    params, x, y = problem(net, shape, n=40)
    whole, cut = (gradient_moments(net, params, x, y, chunk_size=k) for k in (None, 7))
    for name in net.trainable:
        assert np.allclose(whole.m2[name], cut.m2[name], rtol=1e-12, atol=0)


def test_float32_stays_float32():
    net, shape = NETS[0]
    params, x, y = problem(net, shape)
    single = {k: v.astype(np.float32) for k, v in params.items()}
    gradients = per_sample_gradients(net, single, x.astype(np.float32), y)
    assert {g.dtype for g in gradients.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("padding", [0, 2])
def test_adding_patches_is_the_adjoint_of_taking_them(padding):
    images = RNG.normal(size=(2, 5, 6, 3))
    taken = patches(images, 3, padding)
    other = RNG.normal(size=taken.shape)
    back = _add_patches(other, images.shape, 3, padding)
    assert np.isclose((taken * other).sum(), (images * back).sum(), rtol=1e-12)


def test_of_equal_pixels_the_first_has_the_derivative():
    from autograd import grad

    def total(images):
        return max_pool(images).sum()

    tied = np.zeros((1, 3, 3, 1))  # the last row and column fill no window
    expected = np.zeros((3, 3))
    expected[0, 0] = 1
    assert np.array_equal(grad(total)(tied)[0, :, :, 0], expected)
    tied[0, 0, 1] = tied[0, 1, 0] = 1.0
    expected = np.zeros((3, 3))
    expected[0, 1] = 1
    assert np.array_equal(grad(total)(tied)[0, :, :, 0], expected)


def test_second_derivatives_are_those_of_the_differences():
    from autograd import grad

    net = ConvNet((4, 4, 1), (2,), (), 2, kernel=3, activation="tanh")
    params, x, y = problem(net, (4, 4, 1), n=3)
    w = params["conv1.weight"]
    direction = RNG.normal(size=w.shape)

    def loss(weight):
        return net.loss(params | {"conv1.weight": weight}, x, y).sum()

    product = grad(lambda v: (grad(loss)(v) * direction).sum())(w)
    step = 1e-5
    sides = [grad(loss)(w + sign * step * direction) for sign in (1, -1)]
    assert np.allclose(product, (sides[0] - sides[1]) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ConvNet((4, 4, 1), (2, 2), (), 3, kernel=3), "too small for"),
        (lambda: ConvNet((8, 8, 1), (2,), (), 3, kernel=0), "kernel is 0"),
        (lambda: ConvNet((8, 8, 1), (2,), (), 3, activation="swish"), "activation is 'swish'"),
        (lambda: ConvNet((8, 8, 1), (2,), (), 3, loss="mse"), "loss is 'mse'"),
        (lambda: NETS[0][0].loss(NETS[0][0].init(0), np.zeros((2, 5)), np.zeros(2, int)),
         r"x has shape \(2, 5\); expected \(n_samples, \*\(6, 7, 2\)\), or flat"),
    ],
)  # fmt: skip
def test_bad_settings_and_batches_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
