"""``--set``: each setting has a stated range, which its values at all scales keep."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsnr_ref.experiments.harness import SCALES, whole
from gsnr_ref.experiments.harness.settings import expectation
from gsnr_ref.experiments.registry import EXPERIMENTS

SETTINGS = [(e, key) for e in EXPERIMENTS.values() for key in e.scales["smoke"]]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(("experiment", "key"), SETTINGS, ids=lambda x: getattr(x, "name", x))
def test_the_values_of_all_scales_are_within_the_range(experiment, key):
    for scale in SCALES:
        value = experiment.scales[scale][key]
        assert experiment.settings(scale, [f"{key}={json.dumps(value)}"])[key] == value


@given(st.sampled_from(SETTINGS), JSON | st.integers(0, 100) | st.floats(0, 1))
def test_any_value_is_taken_or_refused_with_key_and_range(setting, value):
    experiment, key = setting
    old, expected = experiment.scales["smoke"][key], experiment.expected[key]
    text = json.dumps(value)
    listed = value if isinstance(value, list) and isinstance(old, list) else [value]
    model = old[0] if isinstance(old, list) else old
    if isinstance(model, str):
        fits = all(isinstance(v, str) and v in expected.choices for v in listed)
    else:
        fits = all(
            isinstance(v, (int, float))
            and not isinstance(v, bool)
            and expected.low <= v <= expected.high
            and (isinstance(model, float) or math.floor(v) == v)
            for v in listed
        )
    if expected.n_values is not None:
        fits = fits and len(listed) == expected.n_values
    elif fits:
        fits = 0 < len(set(listed)) == len(listed)
    if fits:
        read = experiment.settings("smoke", [f"{key}={text}"])[key]
        assert read == (listed if isinstance(old, list) else value)
        assert type(read[0] if isinstance(old, list) else read) is type(model)
    else:
        with pytest.raises(ValueError, match=r"^--set ") as caught:
            experiment.settings("smoke", [f"{key}={text}"])
        told = str(caught.value)
        assert told.startswith(f"--set {key}: is '")
        assert told.endswith(f"; expected {expectation(expected, old)}")


def test_the_last_of_equal_keys_counts():
    experiment = EXPERIMENTS["frozen-layer"]
    assert experiment.settings("smoke", ["n=5", "n=1e2"])["n"] == 100


def test_a_word_and_a_number_are_kept_apart():
    for bad in ("7", True, None, math.nan, math.inf, 1, 11, 2.5, [2]):
        with pytest.raises(ValueError, match="is none of a whole number, 2 to 10"):
            whole(2, 10).read(bad)
