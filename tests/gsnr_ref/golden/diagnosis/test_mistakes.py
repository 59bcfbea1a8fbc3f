"""Every known mistake is planted in every case that lists it: rejected, and named."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from gsnr_ref import golden
from gsnr_ref.golden import Mistake
from gsnr_ref.golden.case import folder
from gsnr_ref.golden.diagnosis.catalogue import MODULES
from tests.gsnr_ref.golden.diagnosis.planting import compared

LISTED = [(case, id) for case in golden.cases() for id in case.mistakes]


def test_every_case_lists_what_it_can_tell_apart():
    assert [c.id for c in golden.cases() if not (c.mistakes or c.selected)] == []


def test_listed_mistakes_are_rejected():
    """Some of them: the certifier makes the lists by rejecting each in each case."""
    for case, id in LISTED[::7]:
        (made,) = compared(golden.mistakes()[id].wrong, [case])
        assert made.failing, (case.id, id)


def test_every_mistake_is_told_apart_by_some_case():
    assert {id for _, id in LISTED} == set(golden.mistakes())


def test_a_case_is_consistent_with_the_mistake_that_it_lists():
    told = []
    for case, id in LISTED[::61]:
        report = golden.compare(case, case.expected | golden.mistakes()[id].wrong(case))
        told.append(id in {d.mistake.id for d in report.diagnoses})
    assert np.mean(told) >= 0.9  # where one parameter is all there is, no constant is recognized


@pytest.mark.parametrize("only", ["gsnr_ddof0", "variance_ddof0", "mean"])
def test_it_is_named_from_a_single_quantity_too(only):
    case = golden.load("linear-eight-samples")
    others = set(case.expected) - {only}
    unique = {
        "gsnr_ddof0": {"uncentred-second-moment", "snr-not-squared", "epsilon-in-denominator"},
        "variance_ddof0": {"bessel-for-population", "uncentred-second-moment"},
        "mean": {"half-missing"},
    }[only]
    for id in unique:
        wrong = golden.mistakes()[id].wrong(case)[only]
        report = golden.compare(case, {only: wrong}, leave_out=others)
        assert id in [d.mistake.id for d in report.diagnoses]


def test_two_mistakes_at_once_are_both_named():
    case = golden.load("linear-multi-output")
    half, plug_in = (golden.mistakes()[id].wrong(case) for id in ("half-missing", "plug-in-bias"))
    report = golden.compare(case, case.expected | half | plug_in)
    assert {d.mistake.id for d in report.diagnoses} == {"half-missing", "plug-in-bias"}


def test_what_passes_contradicts():
    case = golden.load("linear-multi-output")  # a plug-in would be wrong in debiased_gsnr as well
    wrong = {"debiased_osgr": golden.mistakes()["plug-in-bias"].wrong(case)["debiased_osgr"]}
    assert golden.compare(case, case.expected | wrong).diagnoses == ()


def test_a_wrong_value_without_a_known_cause_has_no_diagnosis():
    case = golden.load("linear")
    report = golden.compare(case, case.expected | {"losses": case.expected["losses"] * 1.2345})
    assert not report.passed
    assert report.diagnoses == ()
    assert "losses is too large by a constant factor, 1.2345" in str(report)


def test_the_factor_is_named():
    case = golden.load("linear-eight-samples")
    wrong = golden.mistakes()["mean-loss-variance"].wrong(case)
    text = str(golden.compare(case, case.expected | wrong))
    assert "gsnr_ddof0 is too large by exactly B² = 64" in text
    assert "the gradient of the mean loss was used as a per-sample gradient" in text
    assert "See https://" in text


def test_a_factor_that_is_its_own_name_is_said_once():
    case = golden.load("linear-eight-samples")
    report = golden.compare(case, case.expected | {"losses": case.expected["losses"] * 2})
    assert "losses is too large by exactly 2\n" in f"{report}\n"


def test_a_report_says_which_parameters_are_wrong_and_by_which_factor():
    case = golden.load("mlp2-tanh-squared-error")
    mean = dict(case.expected["mean"])
    mean["layer1.weight"] = mean["layer1.weight"] * 2
    mean["layer2.bias"] = mean["layer2.bias"] + [0.5, 0.0]
    report = golden.compare(case, case.expected | {"mean": mean})
    text = (
        "mean: all of layer1.weight, × 2; 1 of 2 of layer2.bias; right: layer1.bias, layer2.weight"
    )
    assert text in str(report)


def test_where_0_is_expected_there_are_no_digits_and_no_ratio():
    case = golden.load("linear-zero-mean")
    mean = {k: np.where(v == 0, 0.25, v) for k, v in case.expected["mean"].items()}
    report = golden.compare(case, case.expected | {"mean": mean})
    assert "mean: 2 of 3 values wrong, 0 expected; worst mean[" in str(report)
    assert "got 0.25, expected 0.0, error 0.25" in str(report)


@pytest.mark.parametrize("epsilon", [1e-3, 1e-5, 1e-8])
def test_any_epsilon_is_recognized(epsilon):
    case = golden.load("linear-no-bias")
    mean, variance = (case.expected[q]["linear.weight"] for q in ("mean", "variance_ddof0"))
    wrong = {"gsnr_ddof0": {"linear.weight": mean**2 / (variance + epsilon)}}
    report = golden.compare(case, case.expected | wrong)
    assert [d.mistake.id for d in report.diagnoses][:1] == ["epsilon-in-denominator"]


def test_no_two_mistakes_share_an_id_and_none_is_left_out():
    every = [m for module in MODULES for m in vars(module).values() if isinstance(m, Mistake)]
    assert sorted(m.id for m in every) == sorted(golden.mistakes())


def test_the_texts_are_complete():
    texts = json.loads((folder() / "mistakes.json").read_text(encoding="utf-8"))
    for text in texts.values():
        assert set(text) == {"title", "effect", "remedy", "seen"}
        assert all(link.startswith("https://") for link in text["seen"])
        assert text["seen"]


def test_the_docs_list_every_mistake():
    page = (Path(__file__).parents[4] / "docs" / "golden.md").read_text()
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", page, re.MULTILINE)
    assert listed == [(id, mistake.title) for id, mistake in golden.mistakes().items()]
