"""A results file: what it says, what it leaves out, and how much of it an error repeats."""

import json

import numpy as np
import pytest

from gsnr_ref import InputError, golden
from gsnr_ref.golden.results import parse_results, read_results, wanted_cases

ONE = {"coherence": 1}


def document(results, backend=(), **leaves_out):
    given = {"name": "mine", "version": "1", "dtype": "float64"} | dict(backend)
    whole = {"format": "gsnr-ref-results/v1", "backend": given, "results": results}
    return whole | ({"leaves_out": leaves_out} if leaves_out else {})


def parsed(*arguments, **leaves_out):
    return parse_results("FILE", json.dumps(document(*arguments, **leaves_out)).encode())


def error_of(*arguments, **leaves_out):
    with pytest.raises(InputError) as told:
        parsed(*arguments, **leaves_out)
    return str(told.value)


def test_what_a_file_says():
    values = {"mean": {"w": [[1, 2.5]], "b": ["inf", "-inf", "nan"]}, "coherence": 1}
    results = parsed({"linear": values})
    got = results.values["linear"]
    np.testing.assert_array_equal(got["mean"]["w"], [[1.0, 2.5]])
    np.testing.assert_array_equal(got["mean"]["b"], [np.inf, -np.inf, np.nan])
    assert (got["coherence"], got["mean"]["w"].dtype) == (1.0, float)
    assert (results.name, results.version, results.dtype) == ("mine", "1", "float64")
    assert results.layout == "gsnr_ref"
    assert results.quantities == results.flags == results.levels == results.cases == ()
    backend = {"name": "a\x1b", "version": "\x9b", "dtype": "float32", "layout": "torch"}
    kinds = {
        "quantities": ["mean"],
        "flags": ["dead"],
        "levels": ["deep"],
        "cases": ["location", "softmax"],
    }
    results = parsed({"linear": ONE}, backend, **kinds)
    assert (results.name, results.version) == ("a\\x1b", "\\x9b")
    assert (results.dtype, results.layout) == ("float32", "torch")
    assert {kind: list(getattr(results, kind)) for kind in kinds} == kinds


def test_what_is_wanted_is_what_is_declared_and_has_values():
    every = {case.id for case in golden.cases()}
    (refused,) = golden.cases("refused")
    wanted, beyond = wanted_cases(parsed({"linear": ONE}))
    assert ({c.id for c in wanted}, beyond) == (every, [])
    wanted, beyond = wanted_cases(parsed({refused.id: ONE}, {"dtype": "float32"}))
    out = {c.id for c in golden.cases() if c.tolerance["float32"] is None}
    assert {c.id for c in beyond} == out
    assert {c.id for c in wanted} == (every | {refused.id}) - out
    *others, last = golden.QUANTITIES
    wanted, _ = wanted_cases(parsed({"linear": {last: 1}}, quantities=others))
    assert {c.id for c in wanted} == {c.id for c in golden.cases(quantity=last)}
    kinds = {"flags": ["dead"], "levels": ["deep"], "cases": ["location"]}
    results = parsed({"linear": ONE}, **kinds)
    wanted, _ = wanted_cases(results)
    gone = {
        c.id for c in golden.cases() if c.id == "location" or c.level == "deep" or "dead" in c.flags
    }
    assert {c.id for c in wanted} == every - gone
    assert results.leaves_out(golden.load("location")) is True
    assert results.leaves_out(golden.load("linear")) is False


def test_an_error_repeats_little_of_a_file():
    key = "k" * 200
    place = f"results['linear']['mean']['{key}']['{key}']"
    rest = 'expected numbers, "inf", "-inf" or "nan"'
    shown = f"holds {repr('x' * 50)[:40]}; {rest}"
    values = {"mean": {key: {key: "x" * 50}}}
    assert error_of({"linear": values}) == f"FILE: {place[:200]} {shown}"
    assert error_of({"linear": {"mean": {key: {"b": True}}}}).endswith(f"holds True; {rest}")
    long = {"mean": {key: {key: {key + "k": 1}}}}
    assert error_of({"linear": long}) == (
        f"FILE: {place[:200]} has the key '{'k' * 60}'...; expected 200 letters"
    )
    deep = 1
    for _ in range(8):
        deep = [deep]
    assert error_of({"linear": {"mean": {key: deep}}}) == (
        f"FILE: {place[:80]}... is nested deeper than 8"
    )
    deep = 1
    for _ in range(8):
        deep = {"a": deep}
    assert error_of({"linear": {"mean": {key: deep}}}) == (
        f"FILE: {place[:80]}... is nested deeper than 8"
    )
    assert error_of({"linear": {"mean": [[1, 2], [3]]}}) == (
        "FILE: results['linear']['mean'] has rows of different lengths; expected an array"
    )


@pytest.mark.parametrize(
    ("results", "leaves_out", "said"),
    [
        ({"linear": ONE}, {"cases": ["lienar"]}, "FILE: id is 'lienar'; expected a golden case"),
        ({"lienar": ONE}, {}, "FILE: id is 'lienar'; expected a golden case"),
        (
            {"linear": ONE},
            {"flags": ["x"]},
            "FILE: leaves_out has unknown flags ['x']; expected so",
        ),
        (
            {"linear": {"gnsr": 1}},
            {},
            "FILE: results['linear'] has unknown quantities ['gnsr']; expected some of ['losses', ",
        ),
        (
            {"linear": {"mean": 1, "losses": 1}},
            {"quantities": ["coherence", "mean"]},
            "FILE: results['linear'] has ['mean'], which leaves_out leaves out; expected one of b",
        ),
    ],
)
def test_names_have_to_be_known_and_to_be_there_once(results, leaves_out, said):
    assert error_of(results, **leaves_out).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[NaN]", 'FILE: NaN is not JSON; write the string "nan"'),
        ("[Infinity]", 'FILE: Infinity is not JSON; write the string "inf"'),
        ("[-Infinity]", 'FILE: -Infinity is not JSON; write the string "-inf"'),
        ('{"a": {"b": 1, "c": 1, "b": 1}}', "FILE: the key 'b' stands twice in one object"),
        (f"[1e{'9' * 30}]", f'FILE: the number 1e{"9" * 18}... is no float64; write "inf" for'),
        ("{", "FILE is not JSON: "),
    ],
)
def test_what_is_not_json_is_told(text, said):
    with pytest.raises(InputError) as told:
        parse_results("FILE", text.encode())
    assert str(told.value).startswith(said)


def test_a_file_of_16_mib_is_read(tmp_path):
    path = tmp_path / "results.json"
    raw = json.dumps(document({"linear": ONE})).encode()
    path.write_bytes(raw.ljust(2**24))
    assert read_results(path).values == {"linear": ONE}
    path.write_bytes(raw.ljust(2**24 + 1))
    with pytest.raises(InputError, match="is larger than 16 MiB; expected a results file: about 1"):
        read_results(path)


def test_bytes_that_are_no_text_are_told():
    with pytest.raises(InputError, match=r"^FILE is not UTF-8 text: "):
        parse_results("FILE", b'{"a": "\x80"}')
