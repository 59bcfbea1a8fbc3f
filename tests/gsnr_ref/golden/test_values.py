"""The committed golden values: their form, their laws, and that they stay."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from gsnr_ref import golden
from gsnr_ref.contract import flat, leaves_with_paths
from gsnr_ref.golden.case import folder

FOLDER = Path(str(folder()))
FILES = sorted((FOLDER / "cases").glob("*.json"))
FROZEN = Path(__file__).parent / "frozen_v1.json"


def schema(name):
    return json.loads((FOLDER / name).read_text())


def test_every_file_fits_its_schema():
    validator = Draft202012Validator(schema("schema.json"))
    Draft202012Validator.check_schema(schema("schema.json"))
    Draft202012Validator.check_schema(schema("results.schema.json"))
    assert len(FILES) >= 60
    for path in FILES:
        case = json.loads(path.read_text())
        validator.validate(case)
        assert case["id"] == path.stem


def test_the_schema_refuses_a_case_that_lacks_something():
    case = json.loads(FILES[0].read_text())
    del case["expected"]["losses"]
    with pytest.raises(ValidationError):
        Draft202012Validator(schema("schema.json")).validate(case)


def test_the_schema_refuses_a_layer_with_a_field_that_it_does_not_know():
    case = json.loads((FOLDER / "cases" / "linear.json").read_text())
    validator = Draft202012Validator(schema("schema.json"))
    layer = case["model"]["layers"][0]
    residual = {"type": "residual", "formula": "...", "layers": [layer]}
    case["model"]["layers"] = [residual]
    validator.validate(case)
    for layers in (
        [layer | {"strid": 2}],
        [layer | {"type": "no_such_layer"}],
        [residual | {"layers": []}],
        [residual | {"layers": [layer | {"kernel": 2}]}],
    ):
        case["model"]["layers"] = layers
        with pytest.raises(ValidationError):
            validator.validate(case)


def test_no_case_has_what_the_schema_says_that_none_has():
    options, means = {"class_weights", "ignore_index", "label_smoothing"}, 0
    for case in golden.cases() + golden.cases("refused"):
        loss = case.model["loss"]
        assert len(options & set(loss)) <= (loss["scale"] == 1), case.id
        if loss.get("tokens") == "mean":
            means += 1
            assert (case.y >= 0).any(axis=1).all(), case.id
    assert means > 3


def test_images_have_the_sizes_that_the_schema_says():
    found = set()
    for case in golden.cases():
        image = None
        for layer in case.model["layers"]:
            kind = layer["type"]
            if kind in ("convolution", "max_pool"):
                found |= {kind, *layer}
                sides = np.array([layer["height"], layer["width"]])
                channels = layer["n_in" if kind == "convolution" else "n_channels"]
                assert image in (None, (*sides, channels)), case.id
                if kind == "convolution":
                    room = sides + 2 * layer.get("padding", 0) - layer["kernel"]
                    sides, channels = room // layer.get("stride", 1) + 1, layer["n_out"]
                else:
                    sides = sides // 2
                assert (sides >= 1).all(), case.id
                image = (*sides, channels)
            elif kind == "affine" and image:
                assert layer["n_in"] == np.prod(image), case.id
                image = None
    assert {"convolution", "max_pool", "padding", "stride"} <= found


def test_all_files_together_are_small():
    assert sum(p.stat().st_size for p in FOLDER.rglob("*.json")) <= 3_000_000


def test_every_flag_has_a_reason_and_a_case():
    used = {flag for case in golden.cases() + golden.cases("refused") for flag in case.flags}
    assert used == set(golden.flag_reasons())


def test_degenerate_values_have_their_flags():
    for case in golden.cases():
        ratios = flat(case.expected["gsnr_ddof0"])
        assert np.isnan(ratios).any() == ("dead" in case.flags), case.id
        assert np.isinf(ratios).any() == ("zero-variance" in case.flags), case.id
        assert (ratios == 0).any() == ("zero-mean" in case.flags), case.id


def test_inputs_and_values_are_the_shortest_decimals():
    for path in FILES:
        text = path.read_text()
        floats = []
        json.loads(text, parse_float=lambda t, floats=floats: floats.append(t))
        assert [t for t in floats if repr(float(t)) != t] == []


TWINS = [c for c in golden.cases() if "twin_of" in c.document]


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_twins_agree_on_what_must_not_change(twin):
    original = golden.load(twin.document["twin_of"])
    same = ["gsnr_ddof0", "osgr_weights", "predicted_osgr", "noise_scale", "coherence"]
    if "duplicated" not in twin.flags:
        same += [q for q in ("gsnr_ddof1", "debiased_gsnr") if q in twin.expected]
    # A loss scale that is a float, and no power of two, is the only thing to round.
    for quantity in same:
        mine, theirs = (dict(leaves_with_paths(c.expected[quantity])) for c in (twin, original))
        for path, value in mine.items():
            assert np.allclose(value, theirs[path], rtol=1e-15, atol=0, equal_nan=True)
    if twin.reduction != "none":
        factor = len(twin.x) if twin.reduction == "sum" else 1
        for name, gradient in twin.expected["reduced_gradient"].items():
            assert np.allclose(gradient, twin.expected["mean"][name] * factor, rtol=1e-15, atol=0)


def digests():
    """A digest of everything that must never change: inputs, model, values, by case."""

    def digest(tree):
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:16]

    found = {}
    for path in FILES:
        case = json.loads(path.read_text())
        found[case["id"]] = {
            "inputs": digest([case["model"], case["inputs"], case["conventions"]["reduction"]]),
            **{q: digest(entry["value"]) for q, entry in case["expected"].items()},
        }
    return found


def changed(frozen, now):
    """What is gone or different; what is new does not count."""
    return [
        (id, part)
        for id, parts in frozen.items()
        for part, digest in parts.items()
        if now.get(id, {}).get(part) != digest
    ]


def test_version_1_is_frozen():
    assert changed(json.loads(FROZEN.read_text()), digests()) == []


def test_every_value_is_frozen():
    frozen, now = json.loads(FROZEN.read_text()), digests()
    assert {id: set(parts) for id, parts in now.items()} == {
        id: set(parts) for id, parts in frozen.items()
    }, "new values: add their digests with python -m tests.gsnr_ref.golden.freeze"


def test_a_change_is_noticed_and_an_addition_is_not():
    frozen = {"a": {"inputs": "1", "mean": "2"}}
    assert changed(frozen, {"a": {"inputs": "1", "mean": "2", "new": "3"}, "b": {}}) == []
    assert changed(frozen, {"a": {"inputs": "1", "mean": "9"}}) == [("a", "mean")]
    assert changed(frozen, {}) == [("a", "inputs"), ("a", "mean")]
