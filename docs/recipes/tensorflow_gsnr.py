"""GSNR in TensorFlow and Keras: the Jacobian of the losses, one row a sample."""

import tensorflow as tf


def per_sample_gradients(model, loss, x, y):
    """A list as ``model.trainable_variables``, each (batch, *shape).

    ``loss(y, outputs)`` gives one number a sample: Keras losses with ``reduction=None``.
    """
    with tf.GradientTape() as tape:
        losses = loss(y, model(x, training=False))
    return tape.jacobian(losses, model.trainable_variables)


def gradient_moments(model, loss, dataset):
    """Count, means, and sums of squared deviations over a dataset of batches (x, y)."""
    batch_gradients = tf.function(
        lambda x, y: per_sample_gradients(model, loss, x, y), reduce_retracing=True
    )
    count = 0
    means = squares = [tf.zeros_like(v) for v in model.trainable_variables]
    for x, y in dataset:
        size = len(x)
        for j, g in enumerate(batch_gradients(x, y)):
            # from the first sample on, so that equal samples have a variance of exactly 0
            mean = g[0] + tf.reduce_mean(g - g[0], 0)
            gap = mean - means[j]
            added = tf.reduce_sum((g - mean) ** 2, 0) + gap**2 * (count * size / (count + size))
            means = [*means[:j], means[j] + gap * (size / (count + size)), *means[j + 1 :]]
            squares = [*squares[:j], squares[j] + added, *squares[j + 1 :]]
        count += size
    return count, means, squares


def gsnr(moments, ddof=0):
    """Squared mean over variance: inf where all samples agree, nan where all gradients are 0."""
    count, means, squares = moments
    return [m**2 / (s / (count - ddof)) for m, s in zip(means, squares, strict=True)]
