"""Results files and lists of expected failures, of ``gsnr-ref golden check``."""

import json
import math
from fnmatch import fnmatch
from xml.etree import ElementTree

import numpy as np

from gsnr_ref import InputError, golden
from gsnr_ref.golden import reports
from gsnr_ref.golden.results import parse_results
from gsnr_ref.golden.suite import parse_expected_failures, run_suite
from tests.fuzz.choices import Choices

IDS = ("location", "location-two-samples", "linear", "linear-zero-variance", "softmax-two-classes")
CASES = {case.id: case for case in golden.cases()}


def fuzz_results(data):
    """Results whose words can be printed, or an InputError in one line that names the file."""
    try:
        results = parse_results("FILE", data)
    except InputError as error:
        named(error)
        return
    assert (results.name + results.version).isprintable()
    assert set(results.values) <= set(CASES)


def fuzz_expected_failures(data):
    """Patterns that can be matched and reasons that can be printed, or an InputError."""
    try:
        expected = parse_expected_failures("FILE", data)
    except InputError as error:
        named(error)
        return
    for pattern, reason in expected.items():
        assert reason.isprintable()
        for id in IDS:
            fnmatch(id, pattern)


def fuzz_reports(data):
    """A suite report in every format, without a control character, or an InputError."""
    choices = Choices(data)
    document, listed = changed_document(choices), changed_list(choices)
    try:
        raw = json.dumps(document).encode()
        expected = parse_expected_failures("FILE", listed.encode("utf-8", "replace"))
        suite = run_suite(parse_results("FILE", raw), expected)
    except InputError as error:
        assert len(str(error)) < 3000
        assert str(error).isprintable(), str(error)
        return
    texts = {name: write(suite) for name, write in reports.WRITERS.items()}
    for text in (reports.as_text(suite), *texts.values()):
        assert text.replace("\n", "").isprintable()
    root = ElementTree.fromstring(texts[".xml"].partition("?>")[2])
    assert (root.get("failures") == root.get("errors") == "0") == suite.passed
    assert json.loads(texts[".json"])["passed"] is suite.passed
    assert suite.passed == texts[".md"].split("\n")[2].startswith("**Passed**")


def named(error):
    """One line of bounded length that names the file."""
    text = str(error)
    assert type(error) is InputError, repr(error)
    assert text.startswith("FILE"), text
    assert len(text) < 1000, len(text)
    assert text.isprintable(), text


def plain(value):
    """Values as they stand in a results file."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if np.ndim(value):
        return [plain(part) for part in value]
    return float(value) if math.isfinite(value) else str(float(value))


def right_document(id):
    """The right results of one case, all others left out."""
    return {
        "format": "gsnr-ref-results/v1",
        "backend": {"name": "mine", "version": "1.0", "dtype": "float64", "layout": "gsnr_ref"},
        "leaves_out": {"quantities": [], "flags": [], "cases": [i for i in CASES if i != id]},
        "results": {id: plain(CASES[id].expected)},
    }


def changed_document(choices):
    """Right results of a case with some changes."""
    document = right_document(choices.one_of(IDS))
    document["backend"] |= {
        "name": choices.text() or "mine",
        "version": choices.text(),
        "dtype": choices.one_of(("float64", "float32")),
        "layout": choices.one_of(("gsnr_ref", "torch", "keras")),
    }
    [values] = document["results"].values()
    for _ in range(choices.below(4)):
        quantity = choices.one_of((*golden.QUANTITIES, choices.text()))
        kind = choices.below(5)
        if kind == 0:
            values.pop(quantity, None)
        elif kind == 1:
            values[quantity] = choices.tree()
        elif kind == 2 and quantity in values:
            values[quantity] = scaled(values[quantity], choices.number())
        elif kind == 3 and isinstance(values.get(quantity), dict):
            values[quantity][choices.text()] = choices.tree()
        elif kind == 4:
            document["leaves_out"]["quantities"].append(quantity)
    return document


def scaled(tree, factor):
    """Every number times a factor, which may be no number."""
    if isinstance(tree, dict):
        return {key: scaled(part, factor) for key, part in tree.items()}
    if isinstance(tree, list):
        return [scaled(part, factor) for part in tree]
    if (isinstance(tree, str) and tree not in ("inf", "-inf", "nan")) or tree is None:
        return tree
    product = float(tree) * float(factor)
    return product if math.isfinite(product) else str(product)


def changed_list(choices):
    """A list of expected failures, most often empty."""
    if choices.below(4):
        return ""
    return f"{choices.one_of(('*', *IDS, choices.text()))} # {choices.text()}\n"


def seeds_results():
    several = right_document("location")
    several["leaves_out"] = {"flags": ["zero-mean"], "quantities": ["losses"], "cases": ["linear"]}
    several["backend"] |= {"name": "é\x1b", "version": "", "dtype": "float32", "layout": "torch"}
    several["results"] = {
        "softmax": {"noise_scale": "inf", "mean": {"softmax.weight": [[1, -1e-3]]}},
        "linear-no-bias": {"coherence": 0.5},
    }
    return [json.dumps(document).encode() for document in (right_document("location"), several)] + [
        b'{"a": 1, "a": NaN}', b"[" * 2000, b'"\\ud800"', b"[1e999, -Infinity]", b"\xef\xbb\xbf{}",
    ]  # fmt: skip


def seeds_expected_failures():
    return [
        b"linear  # known\nmlp*  # not yet\n\n# a comment\n",
        b"[!a-z]*-[]x # why\r\nsoftmax-?? # \xc3\xa9\n",
        b"*a*b*c*d*e*f # \x1b[2J\n",
    ]


def seeds_reports():
    return [bytes(12), bytes(range(64)), bytes(range(255, 100, -1)), b"\x02\x01\x03" * 40]
