"""What a recurrent cell is called in a grid of cells, and in a table."""

import csv
from pathlib import Path

from gsnr_ref.experiments import recurrent

PUBLISHED = Path(__file__).parents[3] / "docs" / "results" / "recurrent" / "results.csv"


def test_the_unit_of_a_cell_is_in_the_published_column():
    changes = ["task=order", "cell=lstm", "n_hidden=2", "n=5", "n_curve=5", "epochs=1"]
    changes += ["n_sets=2", "n_test=5", "last_step=1", "label_noise=0"]
    settings = recurrent.EXPERIMENT.settings("smoke", changes)
    cells = [cell | {"seed": 0} for cell in recurrent.cells(settings)]
    assert {cell["unit"] for cell in cells} == {"lstm"}
    rows = [row for cell in cells for row in recurrent.run(cell)]
    assert {row["cell"] for row in rows} == {"lstm"}
    columns = next(csv.reader(PUBLISHED.read_text().splitlines()))
    assert set(columns) <= {name for row in rows for name in row}
