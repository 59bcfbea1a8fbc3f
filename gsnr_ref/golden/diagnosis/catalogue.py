"""Every known mistake. Imports ``mistake`` and the ``wrong_*`` modules of ``diagnosis``."""

from functools import cache

from gsnr_ref.golden.diagnosis import (
    wrong_cancellation,
    wrong_estimates,
    wrong_gradients,
    wrong_losses,
    wrong_models,
    wrong_moments,
    wrong_norms,
    wrong_positions,
    wrong_precision,
    wrong_reductions,
    wrong_sequences,
)
from gsnr_ref.golden.diagnosis.mistake import Mistake, texts

MODULES = (
    wrong_reductions,
    wrong_moments,
    wrong_cancellation,
    wrong_losses,
    wrong_estimates,
    wrong_gradients,
    wrong_models,
    wrong_norms,
    wrong_positions,
    wrong_precision,
    wrong_sequences,
)


def mistakes() -> dict[str, Mistake]:
    """Return every known mistake by its id.

    Returns
    -------
    dict of str to Mistake

    Examples
    --------
    >>> from gsnr_ref import golden
    >>> golden.mistakes()["half-missing"].title
    'the factor ½ of the squared error is missing'
    """
    return dict(_mistakes())


@cache
def _mistakes() -> dict[str, Mistake]:
    found = {
        mistake.id: mistake
        for module in MODULES
        for mistake in vars(module).values()
        if isinstance(mistake, Mistake)
    }
    return {id: found[id] for id in texts()}
