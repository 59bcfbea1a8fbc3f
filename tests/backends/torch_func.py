"""The recipe by torch.func."""

import warnings

import torch
from torch.func import functional_call
from torch_func import gradient_moments, per_sample_gradients

from tests.backends import torch_modules
from tests.backends.common import arrays, enumerated

NAME, RECIPE, DTYPES = "torch.func", "torch_func.py", ("float64", "float32")
LAYOUT, LAYERS = torch_modules.LAYOUT, torch_modules.EVERYTHING
CLAIMS = ("core", "deep", "sequence", "attention", "large")


def version():
    return torch.__version__


def results(case, dtype):
    """Every quantity of a case."""
    with warnings.catch_warnings():  # what vmap cannot vectorize it takes sample by sample, rightly
        warnings.filterwarnings("ignore", "There is a performance drop")
        values = torch_modules.results(case, dtype, gradient_moments, per_sample_gradients)
    model, x, y, _ = torch_modules.build(case, dtype)
    params = {k: p.detach() for k, p in model.named_parameters() if p.requires_grad}

    def losses_at(moves):
        steps = torch_modules.in_their_names(model, moves)
        stepped = {k: p - steps[k] for k, p in params.items()}
        return torch_modules.losses_of(case, lambda x: functional_call(model, stepped, (x,)), x, y)

    gradients = arrays(values["per_sample_gradients"])
    return values | enumerated(case, values["losses"], gradients, losses_at)
