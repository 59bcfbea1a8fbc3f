"""Results as tables: what a notebook shows, and rows for a CSV file."""

import csv
import io
import json
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest

import gsnr_ref as gr
from gsnr_ref.notebook import ShownAsTable

G = {"one.weight": np.array([[1.0], [3.0]]), "two.weight": np.zeros((2, 1))}
MOMENTS = gr.GradientMoments.from_samples(G)
RESULTS = [
    gr.MeasuredOSGR.of(np.arange(1.0, 1001), np.ones(1000)),
    gr.EnumeratedOSGR(Fraction(1, 3), Fraction(3), Fraction(1), 10),
    gr.gsnr_summary(MOMENTS),
    gr.closed_form.location_model(Fraction(1), 0, Fraction(3), 4),
    gr.closed_form.gaussian_linear_regression(np.ones(1000), np.zeros(1000), np.eye(1000), 1.0, 9),
    gr.FeatureLearningTerms(np.ones((30, 40)), np.ones((30, 40))),
]


def cells(result):
    """The table as a parser of XML reads it."""
    table = ElementTree.fromstring(result._repr_html_())
    assert table.find("caption").text == type(result).__name__
    return {row.find("th").text: row.find("td").text for row in table.iter("tr")}


@pytest.mark.parametrize("result", RESULTS, ids=lambda r: type(r).__name__)
def test_a_notebook_shows_the_fields_of_the_repr_in_a_small_table(result):
    shown = cells(result)
    assert all(f"{name}=" in repr(result) for name in shown)
    assert len(shown) >= 2
    assert len(result._repr_html_()) < 1000


def test_numbers_are_shown_with_six_digits_and_fractions_whole():
    assert cells(RESULTS[1])["value"] == "1/3"
    assert cells(RESULTS[3])["mean"] == "[1]"
    assert cells(RESULTS[0])["value"] == f"{1 / 500.5:.6g}"
    assert "training_decreases" not in cells(RESULTS[0])
    assert cells(RESULTS[2])["quantiles"].startswith("0.05: 4, ")


def test_text_is_escaped():
    @dataclass
    class Named(ShownAsTable):
        name: str

    assert "<b>" not in Named("<b>&")._repr_html_()
    assert cells(Named("<b>&")) == {"name": "<b>&"}


def test_a_summary_is_a_row_of_plain_numbers():
    rows = [{"layer": name} | s.as_row() for name, s in gr.gsnr_summaries(MOMENTS, ddof=1).items()]
    assert [row["layer"] for row in rows] == ["one", "two", "model"]
    assert {type(v) for row in rows for v in list(row.values())[2:]} == {float}
    assert {type(row["n_params"]) for row in rows} == {int}
    assert json.loads(json.dumps(rows[0])) == rows[0]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    back = list(csv.DictReader(stream.getvalue().splitlines()))
    assert float(back[0]["effective"]) == rows[0]["mean"] == rows[0]["quantile_0.95"] == 2.0
    assert back[1]["mean"] == "nan"
