"""AUC against its definition, and which labels are wrong."""

import numpy as np

from gsnr_ref.experiments import wrong_labels
from gsnr_ref.experiments.shared import draw, pool

RNG = np.random.default_rng(0)


def test_auc_is_the_area_under_the_curve():
    from sklearn.metrics import roc_auc_score

    score, wrong = RNG.integers(0, 9, 50) / 9, RNG.random(50) < 0.3  # with ties
    assert np.isclose(wrong_labels.auc(score, wrong), roc_auc_score(wrong, score), rtol=1e-12)
    assert np.isnan(wrong_labels.auc(score, np.zeros(50, bool)))


def test_wrong_labels_are_those_that_differ_from_the_same_images_own():
    cell = {
        "label_noise": 0.5, "repetition": 0, "data": "digits", "n": 40, "width": 2,
        "learning_rate": 0.1, "last_step": 1, "seed": 3,
    }  # fmt: skip
    first = wrong_labels.run(cell)[0]
    images = pool("digits")
    x, y = draw(images.x, images.y, 40, 0.5, [3, 61, 40, 500, 0])
    of = {image.tobytes(): label for image, label in zip(images.x, images.y, strict=True)}
    wrong = np.array([of[image.tobytes()] for image in x]) != y
    assert 5 < wrong.sum() < 35
    share = wrong.mean()
    mean = share * first["u_wrong"] + (1 - share) * first["u_right"]
    from gsnr_ref.moments import gradient_moments
    from toy_models import MLP

    model = MLP((64, 2, 10), "tanh", "cross_entropy")
    moments = gradient_moments(model, model.init(3000), x.reshape(40, -1).astype(float), y)
    squares, noise = moments.signal_and_noise(ddof=1)
    assert np.isclose(mean, squares - noise / 40, rtol=1e-9)  # the debiased ‖g̃‖²
