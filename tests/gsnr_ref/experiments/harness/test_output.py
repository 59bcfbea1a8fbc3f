"""What a run leaves behind."""

import csv

from gsnr_ref.experiments.harness import as_csv


def test_tables_keep_every_digit():
    rows = [{"a": 0.1 + 0.2, "b": "x"}, {"a": 1.0, "c": 3}]
    read = list(csv.DictReader(as_csv(rows).splitlines()))
    assert float(read[0]["a"]) == 0.1 + 0.2
    assert (read[0]["c"], read[1]["b"], read[1]["c"]) == ("", "", "3")
