"""Recompute the golden values, and compare with the committed ones; ``--write`` adds new cases.

``--restate`` states conditions, tolerances and lists of mistakes anew, and no input or value.

Imports ``gsnr_ref`` to compare and to list mistakes only. Needs python-flint (extra ``certify``).
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gsnr_ref.contract import leaves
from gsnr_ref.golden import GoldenCase, mistakes
from gsnr_ref.golden.case import VERSION, parse
from gsnr_ref.golden.quantity import compare_quantity, dtype_of
from tests.certify.cases import FLAGS, Case, all_cases
from tests.certify.cases.large import LargeCase, large_cases
from tests.certify.document import as_text, document

FOLDER = Path(__file__).parents[2] / "gsnr_ref" / "golden" / VERSION


def finished(stated: Case | LargeCase) -> str:
    """The text of a case's file: certified values, and the mistakes that it can tell apart.

    A mistake is listed if its wrong values are rejected, and differ from those of every other.
    """
    whole = document(stated)
    if stated.refused or isinstance(stated, LargeCase):  # no values, or not those of all entries
        return as_text(whole | {"mistakes": []}) + "\n"
    case = parse(whole | {"mistakes": []})
    wrong = {id: case.expected | mistake.wrong(case) for id, mistake in mistakes().items()}
    alone = _told_apart(wrong)
    listed = [id for id in wrong if id in alone and _is_rejected(case, wrong[id])]
    return as_text(whole | {"mistakes": listed}) + "\n"


def _is_rejected(case: GoldenCase, values: dict[str, Any]) -> bool:
    """What `golden.compare` says, without a diagnosis."""
    for quantity in case.expected:
        dtype = dtype_of(quantity, values[quantity])
        tolerance = case.tolerance[dtype] or 0.0
        given = case, quantity, values[quantity], dtype, tolerance, "gsnr_ref"
        if not compare_quantity(*given).passed:
            return True
    return False


def _told_apart(wrong: dict[str, Any]) -> set[str]:
    """Mistakes whose values differ from those of every other."""
    groups: dict[Any, dict[str, Any]] = {}
    for id, values in wrong.items():
        arrays = [np.asarray(v) for v in leaves(values)]
        group = groups.setdefault(tuple(a.shape for a in arrays), {})
        group[id] = np.concatenate([a.ravel() for a in arrays])
    alone = set()
    for group in groups.values():
        every = np.stack(list(group.values()))
        for id, one in group.items():
            equal = np.isclose(every, one, rtol=1e-9, atol=0, equal_nan=True).all(axis=1)
            if equal.sum() == 1:
                alone.add(id)
    return alone


def main() -> int:
    """Return 0 if the committed files are what the exact arithmetic gives, else 1."""
    parser = argparse.ArgumentParser("python -m tests.certify", description=__doc__)
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the cases that are not there yet; never change one",
    )
    parser.add_argument(
        "--restate",
        action="store_true",
        help="state conditions, tolerances and lists of mistakes anew; never an input or a value",
    )
    parser.add_argument("--only", metavar="ID", nargs="+", help="only these cases")
    arguments = parser.parse_args()
    known: dict[str, Case | LargeCase] = {c.id: c for c in all_cases()}
    known |= {c.id: c for c in large_cases()}
    if unknown := sorted(set(arguments.only or ()) - set(known)):
        parser.error(f"argument --only: {unknown} are no cases")
    chosen = {f"cases/{id}.json": known[id] for id in arguments.only or known}
    flags = json.dumps(FLAGS, indent=2, ensure_ascii=False) + "\n"
    differ = []
    for name, stated in chosen.items():
        text = finished(stated)
        restate = arguments.restate and _same_values(name, text)
        if not _same(name, text, arguments.write or restate, replace=restate):
            differ.append(name)
    n_certified = len(chosen) - len(differ)
    if not _same("flags.json", flags, arguments.write, replace=True):
        differ.append("flags.json")
    if not arguments.only:
        differ += sorted({f"cases/{p.name}" for p in FOLDER.glob("cases/*.json")} - set(chosen))
    for name in differ:
        print(f"{name} is not what is certified", file=sys.stderr)
    print(f"{n_certified} of {len(chosen)} cases certified")
    return 1 if differ else 0


def _same_values(name: str, text: str) -> bool:
    """Whether a committed case has the same model, inputs and values."""

    def lasting(whole: Any) -> Any:
        stated = whole.get("expected", {})  # a case that must be refused has none
        values = {quantity: entry["value"] for quantity, entry in stated.items()}
        return whole["model"], whole["inputs"], whole["conventions"]["reduction"], values

    path = FOLDER / name
    if not path.exists():
        return False
    return bool(lasting(json.loads(path.read_text(encoding="utf-8"))) == lasting(json.loads(text)))


def _same(name: str, text: str, write: bool, replace: bool = False) -> bool:
    path = FOLDER / name
    if write and (replace or not path.exists()):
        path.write_text(text, encoding="utf-8")
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
