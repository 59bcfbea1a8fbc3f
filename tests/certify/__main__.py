"""Recompute the golden values, and compare with the committed ones; ``--write`` adds new cases.

Imports ``gsnr_ref`` to compare and to list mistakes only. Needs python-flint (extra ``certify``).
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gsnr_ref.contract import leaves
from gsnr_ref.golden import compare, mistakes
from gsnr_ref.golden.case import VERSION, parse
from tests.certify.cases import FLAGS, Case, all_cases
from tests.certify.document import as_text, document

FOLDER = Path(__file__).parents[2] / "gsnr_ref" / "golden" / VERSION


def finished(stated: Case) -> str:
    """The text of a case's file: certified values, and the mistakes that it can tell apart.

    A mistake is listed if its wrong values are rejected, and differ from those of every other.
    """
    whole = document(stated)
    if stated.refused:
        return as_text(whole | {"mistakes": []}) + "\n"
    case = parse(whole | {"mistakes": []})
    wrong = {id: case.expected | mistake.wrong(case) for id, mistake in mistakes().items()}
    flat = {id: [np.asarray(v) for v in leaves(values)] for id, values in wrong.items()}
    listed = [
        id
        for id, values in wrong.items()
        if not compare(case, values).passed
        and not any(_equal(flat[id], others) for other, others in flat.items() if other != id)
    ]
    return as_text(whole | {"mistakes": listed}) + "\n"


def _equal(ones: list[Any], others: list[Any]) -> bool:
    pairs = zip(ones, others, strict=True)
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True)
        for a, b in pairs
    )


def main() -> int:
    """Return 0 if the committed files are what the exact arithmetic gives, else 1."""
    parser = argparse.ArgumentParser("python -m tests.certify", description=__doc__)
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the cases that are not there yet; never change one",
    )
    parser.add_argument("--only", metavar="ID", nargs="+", help="only these cases")
    arguments = parser.parse_args()
    known = {c.id: c for c in all_cases()}
    if unknown := sorted(set(arguments.only or ()) - set(known)):
        parser.error(f"argument --only: {unknown} are no cases")
    chosen = {f"cases/{id}.json": known[id] for id in arguments.only or known}
    flags = json.dumps(FLAGS, indent=2, ensure_ascii=False) + "\n"
    differ = [name for name, c in chosen.items() if not _same(name, finished(c), arguments.write)]
    n_certified = len(chosen) - len(differ)
    if not _same("flags.json", flags, arguments.write, replace=True):
        differ.append("flags.json")
    if not arguments.only:
        differ += sorted({f"cases/{p.name}" for p in FOLDER.glob("cases/*.json")} - set(chosen))
    for name in differ:
        print(f"{name} is not what is certified", file=sys.stderr)
    print(f"{n_certified} of {len(chosen)} cases certified")
    return 1 if differ else 0


def _same(name: str, text: str, write: bool, replace: bool = False) -> bool:
    path = FOLDER / name
    if write and (replace or not path.exists()):
        path.write_text(text, encoding="utf-8")
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
