"""The committed golden values: their form, their certificates, their laws, and that they stay."""

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from gsnr_ref import golden
from gsnr_ref.golden.case import folder
from gsnr_ref.golden.compare import leaves_of
from gsnr_ref.golden.generator import __main__ as generator
from gsnr_ref.golden.generator import certify
from gsnr_ref.golden.generator.cases import all_cases
from gsnr_ref.golden.generator.document import document
from gsnr_ref.golden.generator.quantities import Inputs, all_quantities
from gsnr_ref.golden.generator.scalars import Undecided, balls, round_to_double

FOLDER = Path(str(folder()))
FILES = sorted((FOLDER / "cases").glob("*.json"))
STATED = {case["id"]: case for case in all_cases()}
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


def test_all_files_together_are_small():
    assert sum(p.stat().st_size for p in FOLDER.rglob("*.json")) <= 2_000_000


def test_every_flag_has_a_reason_and_a_case():
    used = {flag for case in golden.cases() for flag in case.flags}
    assert used == set(golden.flag_reasons())


def test_inputs_and_values_are_the_shortest_decimals():
    for path in FILES:
        text = path.read_text()
        floats = []
        json.loads(text, parse_float=lambda t, floats=floats: floats.append(t))
        assert [t for t in floats if repr(float(t)) != t] == []


@pytest.mark.parametrize("stated", STATED.values(), ids=lambda c: c["id"])
def test_every_value_is_the_correctly_rounded_exact_value(stated):
    committed = json.loads((FOLDER / "cases" / f"{stated['id']}.json").read_text())
    values = certify.map_tree(certify.written, certify.certified(stated))
    case = golden.load(stated["id"])
    assert set(values) == set(case.expected)
    for quantity, tree in values.items():
        flat = np.array(_flat(tree), dtype=object)
        assert _flat(committed["expected"][quantity]["value"]) == list(flat)


def _flat(tree):
    if isinstance(tree, dict):
        return [v for t in tree.values() for v in _flat(t)]
    return [v for t in tree for v in _flat(t)] if isinstance(tree, list) else [tree]


def test_the_whole_document_is_what_the_generator_writes():
    stated = STATED["mlp2-tanh-frozen"]
    committed = json.loads((FOLDER / "cases/mlp2-tanh-frozen.json").read_text())
    assert document(stated) | {"mistakes": committed["mistakes"]} == committed


@pytest.mark.parametrize("stated", [c for c in STATED.values() if "rational" in c["flags"]],
                         ids=lambda c: c["id"])  # fmt: skip
def test_balls_hold_the_fractions(stated):
    exact = _flat(all_quantities(stated, Inputs(stated, Fraction)))
    number = balls(512)
    enclosures = _flat(all_quantities(stated, Inputs(stated, number)))
    for fraction, ball in zip(exact, enclosures, strict=True):
        if isinstance(fraction, float):
            assert repr(ball) == repr(fraction)
        else:
            assert number(fraction).overlaps(ball)


@pytest.mark.parametrize("id", ["mlp2-sigmoid-cross-entropy", "mlp3-softplus-squared-error",
                                "elman-cross-entropy", "conv-tanh-squared-error"])  # fmt: skip
def test_gradients_are_derivatives_of_the_losses(id):
    # 60-digit central differences of the generator's own losses, in mpmath: no derivative by hand.
    stated, case = STATED[id], golden.load(id)
    from gsnr_ref.golden.generator import layers

    class Real(mpmath.mpf):
        tanh, exp, log = mpmath.tanh, mpmath.exp, mpmath.log

    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        for name in stated["model"]["trainable"]:
            expected = case.expected["per_sample_gradients"][name].reshape(len(case.x), -1)
            for j in range(expected.shape[1]):
                sides = []
                for sign in (1, -1):
                    params = {k: [mpmath.mpf(v) for v in p] for k, p in stated["params"].items()}
                    params[name][j] += sign * step
                    sides.append(_losses(layers, stated, params))
                for i, (up, down) in enumerate(zip(*sides, strict=True)):
                    assert abs((up - down) / (2 * step) - expected[i, j]) < 1e-15 * max(
                        1, abs(expected[i, j])
                    )


def _losses(layers, stated, params):
    """Losses in mpmath, straight from the formulas in the document."""
    values = []
    for x, y in zip(stated["x"], stated["y"], strict=True):
        a = [mpmath.mpf(v) for v in x]
        for layer in stated["model"]["layers"]:
            a = _apply(layers, layer, params, a)
        if stated["model"]["loss"]["type"] == "squared_error":
            values.append(sum((o - t) ** 2 for o, t in zip(a, y, strict=True)) / 2)
        else:
            values.append(mpmath.log(sum(mpmath.exp(o) for o in a)) - a[y])
    return values


def _apply(layers, layer, params, a):
    function = {
        "tanh": mpmath.tanh,
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    }
    if layer["type"] == "activation":
        return [function[layer["function"]](z) for z in a]
    if layer["type"] == "max_pool":
        high, wide, k = layer["height"], layer["width"], layer["n_channels"]
        image = np.array(a, dtype=object).reshape(high, wide, k)
        windows = image.reshape(high // 2, 2, wide // 2, 2, k)
        return list(windows.max(axis=(1, 3)).ravel())
    weight = np.array(params[layer["name"] + ".weight"], dtype=object)
    bias = np.array(params[layer["name"] + ".bias"], dtype=object)
    if layer["type"] == "affine":
        return list(np.array(a, dtype=object) @ weight.reshape(len(a), -1) + bias)
    if layer["type"] == "convolution":
        image = np.array(a, dtype=object).reshape(layer["height"], layer["width"], layer["n_in"])
        kernel = layer["kernel"]
        matrix = weight.reshape(-1, layer["n_out"])
        return [
            z
            for r in range(layer["height"] - kernel + 1)
            for q in range(layer["width"] - kernel + 1)
            for z in image[r : r + kernel, q : q + kernel].ravel() @ matrix + bias
        ]
    hidden = np.array([mpmath.mpf(0)] * layer["n_hidden"], dtype=object)
    steps = np.array(a, dtype=object).reshape(layer["n_steps"], layer["n_features"])
    for inputs in steps:
        z = np.concatenate([inputs, hidden]) @ weight.reshape(-1, layer["n_hidden"]) + bias
        hidden = np.array([mpmath.tanh(v) for v in z], dtype=object)
    return list(hidden)


def test_the_generator_compares_and_never_changes(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["generator", "--only", "location", "linear-one-sample"])
    assert generator.main() == 0
    assert capsys.readouterr().out == "2 of 2 cases certified\n"
    monkeypatch.setattr("sys.argv", ["generator", "--only", "no-such-case"])
    with pytest.raises(SystemExit):
        generator.main()
    assert "['no-such-case'] are no cases" in capsys.readouterr().err
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    (tmp_path / "cases").mkdir()
    wrong = tmp_path / "cases" / "location.json"
    wrong.write_text("{}")
    monkeypatch.setattr("sys.argv", ["generator", "--only", "location", "linear", "--write"])
    assert generator.main() == 1
    assert "cases/location.json is not what the generator computes" in capsys.readouterr().err
    assert wrong.read_text() == "{}"
    written = (tmp_path / "cases" / "linear.json").read_text()
    assert written == (FOLDER / "cases" / "linear.json").read_text()


def test_a_rounding_that_is_not_decided_is_no_rounding():
    number = balls(60)
    halfway = number(1) / 3 * 3 + number(Fraction(1, 2**53))  # between 1 and the next double
    with pytest.raises(Undecided):
        round_to_double(halfway)
    assert round_to_double(number(Fraction(1, 4))) == 0.25


def test_a_condition_number_is_the_sensitivity_to_the_inputs():
    # The gradient (θx − y)x at x = 1: θ moves it by |θ|, x by |2θ − y|, y by |y|, each relatively.
    case = golden.load("location")
    condition = case.condition["per_sample_gradients"]["linear.weight"].ravel()
    theta, y = 0.7, case.y.ravel()
    expected = (theta + np.abs(2 * theta - y) + np.abs(y)) / np.abs(theta - y)
    assert np.allclose(condition, expected, rtol=0.05)  # two digits are kept


TWINS = [c for c in golden.cases() if "twin_of" in c.document]


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_twins_agree_on_what_must_not_change(twin):
    original = golden.load(twin.document["twin_of"])
    same = ["gsnr_ddof0", "osgr_weights", "predicted_osgr", "noise_scale", "coherence"]
    if "duplicated" not in twin.flags:
        same += [q for q in ("gsnr_ddof1", "debiased_gsnr") if q in twin.expected]
    # A loss scale that is a float, and no power of two, is the only thing to round.
    for quantity in same:
        mine, theirs = (dict(leaves_of(c.expected[quantity])) for c in (twin, original))
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
