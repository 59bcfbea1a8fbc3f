"""Nothing that only looks as stated earns a yes, and what is as stated does."""

import numpy as np
import pytest

from gsnr_ref.experiments.harness import Verdict
from gsnr_ref.experiments.shared import verdicts
from gsnr_ref.experiments.shared.rise import Rise
from gsnr_ref.experiments.shared.verdicts import Curve

RNG = np.random.default_rng(0)
AT = np.arange(12.0)
FALLING = np.linspace(1, 0.1, 12)  # a training loss
LOW = np.linspace(1, 0.5, 12)  # a curve that falls
HIGH = np.array([1, 1, 1.2, 1.6, 2, 2, 1.9, 1.7, 1.5, 1.2, 1, 0.9])  # one that rises first


def runs(values, n=5, loss=FALLING):
    """n runs with a little spread."""
    return [Curve(AT, values * (1 + 0.01 * k), loss) for k in range(n)]


def test_a_rise_while_the_training_loss_falls_is_one():
    assert verdicts.rises(runs(HIGH)).word == "yes"
    assert verdicts.falls(runs(HIGH)).word == "no"
    assert verdicts.rises(runs(LOW)).word == "no"
    assert verdicts.falls(runs(LOW)).word == "yes"
    assert verdicts.rises(runs(HIGH), by=3).word == "no"


def test_a_planted_instability_is_no_rise():
    loss = FALLING.copy()
    loss[2:7] += 1  # jumps where the curve does
    assert verdicts.rises(runs(HIGH, loss=loss)).word == "no"
    assert verdicts.falls(runs(HIGH, loss=loss)).word == "undecided"  # it did not fall, either
    assert Rise.of(AT, HIGH, loss).factor == 1
    assert Rise.of(AT, HIGH, FALLING) == Rise(2.0, 0.0, 4.0)


def test_without_a_training_loss_nothing_is_decided():
    bare = runs(HIGH, loss=None)
    for verdict in (
        verdicts.rises(bare),
        verdicts.falls(bare),
        verdicts.turns(bare, 0.3),
        verdicts.reaches(bare, 0.3),
        verdicts.stays_low(bare, bare),
    ):
        assert verdict.word == "undecided"


def test_a_planted_spike_is_no_rise():
    spiked = LOW.copy()
    spiked[3] = 50  # one measured step
    assert verdicts.rises(runs(spiked)).word == "no"
    one = [*runs(LOW, 4), Curve(AT, 50 * HIGH, FALLING)]
    assert verdicts.rises(one).word != "yes"  # one run of five
    two = [Curve(AT, LOW, FALLING), Curve(AT, 50 * HIGH, FALLING)]
    assert verdicts.rises(two).word == "undecided"  # a mean over two runs would rise
    assert verdicts.reaches(runs(spiked), 5).word == "no"


def test_a_statement_in_two_halves_needs_both():
    negative = np.linspace(-0.3, -0.05, 12)
    turned = np.concatenate([np.full(4, -0.2), np.full(8, 0.4)])
    assert verdicts.turns(runs(negative), 0.3).word == "no"  # negative early, never positive
    assert verdicts.turns(runs(-negative), 0.3).word == "no"
    assert verdicts.turns(runs(np.full(12, 0.4)), 0.3).word == "no"  # only the later half
    assert verdicts.turns(runs(turned), 0.3).word == "yes"
    loss = FALLING.copy()
    loss[4:] += 1
    assert verdicts.turns(runs(turned, loss=loss), 0.3).word == "undecided"
    yes, no, open_ = (Verdict(word, word) for word in ("yes", "no", "undecided"))
    assert verdicts.all_parts(yes, open_).word == "undecided"
    assert verdicts.all_parts(yes, open_, no).word == "no"
    assert verdicts.contrary(open_).word == "undecided"


def test_staying_low_is_asked_of_the_highest_values():
    assert verdicts.stays_low(runs(0.1 * HIGH), runs(HIGH)).word == "yes"
    assert verdicts.stays_low(runs(0.8 * HIGH), runs(HIGH)).word == "no"
    loss = FALLING.copy()
    loss[2:] += 1  # what is high is so by an instability
    jumps = runs(9 * HIGH * (AT > 1) + 1, loss=loss)
    assert verdicts.stays_low(runs(0.8 * LOW), jumps).word == "no"


def points(n, noise, epochs=(1, 100)):
    """Rows of both sides."""
    return [
        {"epoch": epoch, "measured": m, "paper": m + noise * RNG.normal(), "sets_past_edge": 0}
        | {"training_decrease": 1.0, "training_decrease_error": 0.1}
        | {"difference": 0.01 * RNG.normal(), "difference_error": 0.01}
        for epoch in epochs
        for m in RNG.uniform(0, 1, n)
    ]


def test_the_papers_correlation_is_asked_of_every_epoch():
    assert verdicts.correlate(points(20, 0.02)).word == "yes"
    assert verdicts.correlate(points(20, 0.02) + points(20, 2.0, [1000])).word == "no"
    assert verdicts.correlate(points(5, 0.02)).word == "undecided"


def test_a_planted_setting_far_away_makes_no_correlation():
    rows = points(20, 0.0)
    for row in rows:
        row["paper"] = RNG.uniform(0, 1)
    for k in (0, 20):
        rows[k] |= {"measured": 50.0, "paper": 50.0}
    assert np.corrcoef([[r["measured"], r["paper"]] for r in rows[:20]], rowvar=False)[0, 1] > 0.99
    assert verdicts.correlate(rows).word == "undecided"


def test_a_ratio_over_nothing_decides_nothing():
    rows = points(20, 0.02)
    assert verdicts.coincide(rows, 10).word == "yes"
    for change in ({"training_decrease_error": 0.6}, {"sets_past_edge": 1}):
        planted = [row | change for row in rows]
        assert verdicts.meaningful(planted) == []
        assert verdicts.correlate(planted).word == "undecided"
        assert verdicts.coincide(planted, 10).word == "undecided"
        assert verdicts.coincide([rows[0] | change, *rows[1:]], 10).word == "undecided"
    bare = [{k: row[k] for k in ("epoch", "measured", "paper")} for row in rows]
    assert verdicts.meaningful(bare) is None
    assert verdicts.correlate(bare).word == "undecided"
    assert verdicts.coincide(bare, 10).word == "undecided"


@pytest.mark.parametrize(
    ("apart", "error", "word"),
    [(0.01, 0.01, "yes"), (0.1, 0.01, "no"), (1.0, 10.0, "undecided"), (0.0, 0.0, "undecided")],
)
def test_two_sides_agree_within_errors_that_could_have_told(apart, error, word):
    verdict = verdicts.agree(np.full(4, apart), np.full(4, error), degrees=9)
    assert verdict.word == word


def test_errors_that_are_not_of_the_difference_can_refute_but_not_confirm():
    for apart, word in ((0.01, "undecided"), (0.1, "no")):
        errors = np.full(4, 0.01)
        assert verdicts.agree(np.full(4, apart), errors, 9, paired=False).word == word


def test_true_settings_are_seldom_refuted():
    """Of 500 sets of 15 true settings, M = 10: no in about 0.1 %, as the rule says."""
    draws = RNG.normal(size=(500, 15, 10))
    apart, errors = 0.1 * draws.mean(axis=-1), 0.1 * draws.std(axis=-1, ddof=1) / np.sqrt(10)
    words = [verdicts.agree(a, e, 9).word for a, e in zip(apart, errors, strict=True)]
    assert words.count("no") <= 4  # of a Poisson variable with mean 0.5: 5 come once in 6,000
    assert words.count("yes") >= 470
