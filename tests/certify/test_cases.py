"""A case says what it states, and nothing that it does not know."""

import json
from dataclasses import replace

import pytest

from tests.certify.__main__ import FOLDER
from tests.certify.cases import all_cases
from tests.certify.cases.building import affine, case, network, twin
from tests.certify.cases.flags import LEVELS

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


def test_a_level_is_one_of_the_schemas_and_follows_from_layers_and_flags():
    schema = json.loads((FOLDER / "schema.json").read_text())
    assert schema["properties"]["level"]["enum"] == list(LEVELS)
    assert (build().level, build(level="large").level) == ("core", "large")
    with pytest.raises(AssertionError, match="hard"):
        build(level="hard")
    levels = {c.id: c.level for c in all_cases()}
    assert levels["linear-huge-1e150"] == levels["mlp2-tanh-saturated"] == "tails"
    assert levels["mlp3-relu-cross-entropy"] == levels["conv-mean-reduced"] == "deep"
    assert levels["elman-cross-entropy"] == "sequence"


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
