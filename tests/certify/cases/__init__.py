"""Imports nothing of ``gsnr_ref``: what each case states, and the flags that say why."""

from tests.certify.cases.building import Case
from tests.certify.cases.convolutions import convolution_cases
from tests.certify.cases.flags import FLAGS
from tests.certify.cases.networks import (
    activation_cases,
    loss_cases,
    mlp_cases,
    recurrent_cases,
    structured_cases,
)
from tests.certify.cases.normalized import norm_cases
from tests.certify.cases.one_layer import linear_cases, location_cases, softmax_cases
from tests.certify.cases.shapes import parameter_shapes

__all__ = ["FLAGS", "Case", "all_cases", "parameter_shapes"]


def all_cases() -> list[Case]:
    """Every case, in order. Ids are permanent: cases are added, never renamed or changed."""
    groups = (
        location_cases,
        linear_cases,
        softmax_cases,
        mlp_cases,
        structured_cases,
        activation_cases,
        loss_cases,
        recurrent_cases,
        convolution_cases,
        norm_cases,
    )
    cases = [c for group in groups for c in group()]
    assert len({c.id for c in cases}) == len(cases)
    return cases
