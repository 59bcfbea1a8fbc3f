"""The recipe in TensorFlow: Keras layers, and the Jacobian of the losses."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets on stderr

import keras
import tensorflow as tf
import tensorflow_gsnr

from tests.backends.common import BASIC_ACTIVATIONS, batches_of, from_moments

NAME, RECIPE, DTYPES = "TensorFlow, Keras", "tensorflow_gsnr.py", ("float64",)
LAYOUT, LAYERS = "keras", {"affine", *BASIC_ACTIVATIONS}  # every model is traced anew: a second
LEAVES_OUT = {"flags": ["weighted"], "quantities": ["per_sample_gradients", "enumerated_osgr"]}
CLAIMS = ("core", "deep", "large")
ACTIVATIONS = {"identity": "linear"}


def version():
    return tf.__version__


def build(case, dtype):
    """A Keras model with the case's parameters, and the names of its trainable variables."""
    model, names = keras.Sequential(), []
    for layer in case.model["layers"]:
        kind, name = layer["type"], layer.get("name")
        if kind == "activation":
            function = ACTIVATIONS.get(layer["function"], layer["function"])
            model.add(keras.layers.Activation(function, dtype=dtype))
        else:
            model.add(keras.layers.Dense(layer["n_out"], use_bias=layer["bias"], dtype=dtype))
        if name:
            parts = [f"{name}.weight", f"{name}.bias"][: 1 + layer["bias"]]
            names += parts
            model.layers[-1].trainable = set(parts) <= set(case.model["trainable"])
    model.build(case.x.shape)
    for name, variable in zip(names, model.variables, strict=True):
        variable.assign(case.params_in("keras")[name])
    return model, [n for n in names if n in case.model["trainable"]]


def loss_of(case, dtype):
    """One loss a sample."""
    loss = case.model["loss"]
    if loss["type"] == "squared_error":  # Keras averages over the outputs
        mse, factor = keras.losses.MeanSquaredError(reduction=None, dtype=dtype), case.n_outputs / 2
        return lambda y, z: mse(y, z) * (factor * loss["scale"])
    # Not Keras's SparseCategoricalCrossentropy: its derivative is right to 1e-15 only, and one case
    # of core is then off by a tenth more than is allowed.
    return lambda y, z: -loss["scale"] * tf.gather(tf.nn.log_softmax(z), y, batch_dims=1)


def results(case, dtype):
    """Every quantity of a case but those that take single samples' gradients."""
    model, names = build(case, dtype)
    loss = loss_of(case, dtype)
    x, y = tf.constant(case.x, dtype), tf.constant(case.y)
    batches = [(x[s], y[s]) for s in batches_of(case, default=len(case.x))]
    count, means, squares = found = tensorflow_gsnr.gradient_moments(model, loss, batches)

    def moments(ddof):
        columns = means, [s / (count - ddof) for s in squares], tensorflow_gsnr.gsnr(found, ddof)
        return [dict(zip(names, column, strict=True)) for column in columns]

    losses = loss(y, model(x)).numpy()
    return from_moments(case, losses, moments)
