"""A case says what it states, and nothing that it does not know."""

from dataclasses import replace

import pytest

from tests.certify.cases import all_cases
from tests.certify.cases.building import affine, case, network, twin

BASE = next(c for c in all_cases() if c.id == "linear")


def build(**more):
    return case("a-case", "One.", ["basic"], BASE.layers, BASE.params, BASE.x, BASE.y, **more)


@pytest.mark.parametrize(
    "make",
    [
        build,
        lambda **more: network("a", "One.", ["basic"], [affine("linear", 2, 1)], [2], 1, **more),
        lambda **more: twin(BASE, "a-twin", "Another.", "permuted", **more),
    ],
    ids=["case", "network", "twin"],
)
def test_a_misspelt_keyword_is_refused(make):
    assert make(reduction="mean").reduction == "mean"
    with pytest.raises(TypeError, match="reductoin"):
        make(reductoin="mean")


def test_unknown_flags_and_wrong_shapes_are_refused():
    with pytest.raises(AssertionError, match="no-such-flag"):
        replace(BASE, flags=("no-such-flag",))
    for weight in ([[1.0, 2.0]], [[1.0], [2.0], [3.0]], [[1.0], [2.0, 3.0]]):
        with pytest.raises(AssertionError):
            replace(BASE, params=BASE.params | {"linear.weight": weight})


def test_a_twin_names_its_original_and_keeps_the_rest():
    other = twin(BASE, "a-twin", "Twice the loss.", "loss-scaled", scale=2.0)
    assert (other.twin_of, other.scale, other.x) == ("linear", 2.0, BASE.x)
    assert other.flags == (*BASE.flags, "loss-scaled")
    assert BASE.twin_of is None
