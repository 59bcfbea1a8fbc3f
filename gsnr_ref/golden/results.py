"""A results file of any backend, read as what it is: a stranger's input.

Imports ``contract`` and, of ``golden``, ``case``, ``quantity`` and ``reading``. Nothing in the file
is executed; its size, its depth, its names and its numbers are bounded, and its words made fit to
print.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gsnr_ref.contract import InputError
from gsnr_ref.golden.case import GoldenCase, check_id, every_case, flag_reasons, folder
from gsnr_ref.golden.quantity import QUANTITIES
from gsnr_ref.golden.reading import printable, read_bounded, refuse

#: A results file of every case takes about 1 MB. One of this size takes at most 1 GiB of memory.
MAX_BYTES = 16 * 2**20
MAX_DEPTH = 8
#: In each list of leaves_out, and letters of the key that leads to an array.
MAX_NAMES, MAX_KEY = 1000, 200
_WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


@dataclass(frozen=True, eq=False)
class Results:
    """What a results file says.

    Attributes
    ----------
    name, version, dtype, layout : str
        Of the backend.
    quantities, flags, levels, cases : tuple of str
        That the backend leaves out.
    values : dict of str to dict
        By case, by quantity.
    """

    name: str
    version: str
    dtype: str
    layout: str
    quantities: tuple[str, ...]
    flags: tuple[str, ...]
    levels: tuple[str, ...]
    cases: tuple[str, ...]
    values: dict[str, dict[str, Any]]

    def leaves_out(self, case: GoldenCase) -> bool:
        """Whether the backend declares that it does not run a case."""
        return bool(self.why_left_out(case))

    def why_left_out(self, case: GoldenCase) -> str:
        """What in ``leaves_out`` leaves a case out: "the flag 'dead'"; empty if nothing does."""
        if case.id in self.cases:
            return "its id"
        if case.level in self.levels:
            return f"the level {case.level!r}"
        return next((f"the flag {flag!r}" for flag in self.flags if flag in case.flags), "")


def read_results(path: Path) -> Results:
    """Read a results file, or say what is wrong with it.

    Raises
    ------
    OSError
        If it cannot be read.
    InputError
        If it is no regular file, too large, not JSON, not what ``results.schema.json`` asks for,
        holds something that is not a number where one belongs, or gives what it leaves out.
    """
    return parse_results(path, read_bounded(path, MAX_BYTES, "a results file: about 1 MB"))


def parse_results(name: Path | str, raw: bytes) -> Results:
    """Read the content of a results file; `name` is for errors, which are `InputError`."""
    try:
        return _results(name, _document(name, raw))
    except RecursionError:
        refuse(name, f"is nested too deeply; expected at most {MAX_DEPTH}")


def _results(name: Path | str, document: Any) -> Results:
    _validate(name, document)
    backend, left_out = document["backend"], document.get("leaves_out", {})
    kinds = ("quantities", "flags", "levels", "cases")
    quantities, flags, levels, ids = (tuple(left_out.get(k, ())) for k in kinds)
    _check_known(name, "leaves_out", "quantities", quantities, QUANTITIES)
    _check_known(name, "leaves_out", "flags", flags, flag_reasons())
    for id in (*ids, *document["results"]):
        try:
            check_id(id)
        except InputError as error:
            refuse(name, str(error))
    for id, given in document["results"].items():
        _check_known(name, f"results[{id!r}]", "quantities", given, QUANTITIES)
        if both := [q for q in quantities if q in given]:
            refuse(
                name,
                f"results[{id!r}] has {both}, which leaves_out leaves out; expected one of both",
            )
    values = {
        id: {q: _numbers(name, tree, f"results[{id!r}][{q!r}]") for q, tree in given.items()}
        for id, given in document["results"].items()
    }
    layout = backend.get("layout", "gsnr_ref")
    words = printable(backend["name"]), printable(backend["version"])
    return Results(*words, backend["dtype"], layout, quantities, flags, levels, ids, values)


def _document(name: Path | str, raw: bytes) -> Any:
    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            refuse(name, f'the number {text[:20]}... is no float64; write "inf" for infinity')
        return value

    def no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(pairs)
        if len(whole) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    refuse(name, f"the key {key[:60]!r} stands twice in one object")
                seen.add(key)
        return whole

    def constant(word: str) -> NoReturn:
        meant = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[word]
        refuse(name, f'{word} is not JSON; write the string "{meant}"')

    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_float=number,
            parse_int=number,
            parse_constant=constant,
            object_pairs_hook=no_repeats,
        )
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text: {error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{name} is not JSON: {error}") from None


def _validate(name: Path | str, document: Any) -> None:
    try:
        import jsonschema  # noqa: F401
    except ImportError as missing:
        raise ImportError(
            'checking a results file needs jsonschema: pip install "gsnr-ref[golden]"'
        ) from missing
    left_out = document.get("leaves_out") if isinstance(document, dict) else None
    for names in left_out.values() if isinstance(left_out, dict) else ():
        if isinstance(names, list) and len(names) > MAX_NAMES:  # uniqueItems takes quadratic time
            refuse(name, f"leaves_out has a list of {len(names)}; expected at most {MAX_NAMES}")
    error = next(_validator().iter_errors(document), None)
    if error is not None:
        what = error.message if len(error.message) < 200 else f"does not fit {error.validator!r}"
        refuse(name, f"{error.json_path}: {what}")


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads((folder() / "results.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


def _check_known(
    name: Path | str, place: str, what: str, names: Iterable[str], known: Iterable[str]
) -> None:
    if unknown := sorted(word[:60] for word in set(names) - set(known)):
        refuse(name, f"{place} has unknown {what} {unknown[:3]}; expected some of {list(known)}")


def _numbers(name: Path | str, tree: Any, place: str, depth: int = 0) -> Any:
    """Nested lists as float arrays; anything but numbers, lists and objects is refused."""
    if depth > MAX_DEPTH:
        refuse(name, f"{place[:80]}... is nested deeper than {MAX_DEPTH}")
    if isinstance(tree, dict):
        if long := next((key for key in tree if len(key) > MAX_KEY), None):
            refuse(name, f"{place[:200]} has the key {long[:60]!r}...; expected {MAX_KEY} letters")
        return {k: _numbers(name, v, f"{place}[{k!r}]", depth + 1) for k, v in tree.items()}
    plain = _plain(name, tree, place, depth)
    if not isinstance(plain, list):
        return plain
    try:
        return np.array(plain, dtype=float)
    except ValueError:
        refuse(name, f"{place} has rows of different lengths; expected an array")


def _plain(name: Path | str, tree: Any, place: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        refuse(name, f"{place[:80]}... is nested deeper than {MAX_DEPTH}")
    if isinstance(tree, list):
        return [_plain(name, part, place, depth + 1) for part in tree]
    if isinstance(tree, float):
        return tree
    if isinstance(tree, str) and tree in _WORDS:
        return _WORDS[tree]
    refuse(name, f'{place[:200]} holds {repr(tree)[:40]}; expected numbers, "inf", "-inf" or "nan"')


def wanted_cases(results: Results) -> tuple[list[GoldenCase], list[GoldenCase]]:
    """Cases that have to be there, and cases out of the range of the backend's dtype.

    A case that must be refused is looked at only where it is there: by that, it fails.
    """
    declared = [
        case
        for case in every_case().values()
        if not results.leaves_out(case) and not (case.refused and case.id not in results.values)
    ]
    out_of_range = [case for case in declared if case.tolerance[results.dtype] is None]
    states = partial(_states_any, left_out=results.quantities)
    wanted = [c for c in declared if c not in out_of_range and (c.refused or states(c))]
    return wanted, out_of_range


def _states_any(case: GoldenCase, left_out: tuple[str, ...]) -> bool:
    return not set(case.expected) <= set(left_out)
