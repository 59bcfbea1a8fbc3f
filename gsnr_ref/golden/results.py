"""A results file of any backend, read as what it is: a stranger's input.

Imports ``contract`` and, of ``golden``, ``case`` and ``quantity``. Nothing in the file is executed;
its size, its depth and its numbers are bounded.
"""

import json
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gsnr_ref.contract import InputError
from gsnr_ref.golden.case import GoldenCase, cases, flag_reasons, folder, load
from gsnr_ref.golden.quantity import QUANTITIES

#: A results file of every case takes about 1 MB.
MAX_BYTES = 16 * 2**20
MAX_DEPTH = 8
_WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


@dataclass(frozen=True, eq=False)
class Results:
    """What a results file says.

    Attributes
    ----------
    name, version, dtype, layout : str
        Of the backend.
    quantities, flags, cases : tuple of str
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
    cases: tuple[str, ...]
    values: dict[str, dict[str, Any]]

    def leaves_out(self, case: GoldenCase) -> bool:
        """Whether the backend declares that it does not run a case."""
        return case.id in self.cases or bool(set(self.flags) & set(case.flags))


def read_results(path: Path) -> Results:
    """Read a results file, or say what is wrong with it.

    Raises
    ------
    OSError
        If it cannot be read.
    InputError
        If it is too large, not JSON, not what ``results.schema.json`` asks for, or holds something
        that is not a number where one belongs.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES // 2**20} MiB; expected about 1 MB")
    document = _parse(path, raw)
    _validate(path, document)
    backend, left_out = document["backend"], document.get("leaves_out", {})
    quantities, flags, ids = (tuple(left_out.get(k, ())) for k in ("quantities", "flags", "cases"))
    _check_known(path, "quantities", quantities, QUANTITIES)
    _check_known(path, "flags", flags, flag_reasons())
    for id in (*ids, *document["results"]):
        load(id)
    values = {
        id: {q: _numbers(tree, f"results[{id!r}][{q!r}]", path) for q, tree in quantity.items()}
        for id, quantity in document["results"].items()
    }
    layout = backend.get("layout", "gsnr_ref")
    name, version, dtype = (backend[key] for key in ("name", "version", "dtype"))
    return Results(name, version, dtype, layout, quantities, flags, ids, values)


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError(f"{path}: {what}")


def _parse(path: Path, raw: bytes) -> Any:
    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            _refuse(path, f'the number {text[:20]}... is no float64; write "inf" for infinity')
        return value

    def no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            repeated = next(key for key in keys if keys.count(key) > 1)
            _refuse(path, f"the key {repeated[:60]!r} stands twice in one object")
        return dict(pairs)

    def constant(word: str) -> NoReturn:
        meant = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[word]
        _refuse(path, f'{word} is not JSON; write the string "{meant}"')

    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_float=number,
            parse_int=number,
            parse_constant=constant,
            object_pairs_hook=no_repeats,
        )
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{path} is nested too deeply; expected at most {MAX_DEPTH}") from None


def _validate(path: Path, document: Any) -> None:
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match
    except ImportError as missing:
        raise ImportError(
            'checking a results file needs jsonschema: pip install "gsnr-ref[golden]"'
        ) from missing
    schema = json.loads((folder() / "results.schema.json").read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(document))
    if error is not None:
        what = error.message if len(error.message) < 200 else f"does not fit {error.validator!r}"
        _refuse(path, f"{error.json_path}: {what}")


def _check_known(path: Path, what: str, names: tuple[str, ...], known: Any) -> None:
    if unknown := sorted(set(names) - set(known)):
        _refuse(
            path, f"leaves_out has unknown {what} {unknown[:5]}; expected some of {list(known)}"
        )


def _numbers(tree: Any, place: str, path: Path, depth: int = 0) -> Any:
    """Nested lists as float arrays; anything but numbers, lists and objects is refused."""
    if depth > MAX_DEPTH:
        _refuse(path, f"{place[:80]}... is nested deeper than {MAX_DEPTH}")
    if isinstance(tree, dict):
        return {k: _numbers(v, f"{place}[{k!r}]", path, depth + 1) for k, v in tree.items()}
    plain = _plain(tree, place, path, depth)
    if not isinstance(plain, list):
        return plain
    try:
        return np.array(plain, dtype=float)
    except ValueError:
        _refuse(path, f"{place} has rows of different lengths; expected an array")


def _plain(tree: Any, place: str, path: Path, depth: int) -> Any:
    if depth > MAX_DEPTH:
        _refuse(path, f"{place[:80]}... is nested deeper than {MAX_DEPTH}")
    if isinstance(tree, list):
        return [_plain(part, place, path, depth + 1) for part in tree]
    if isinstance(tree, float):
        return tree
    if isinstance(tree, str) and tree in _WORDS:
        return _WORDS[tree]
    shown = repr(tree)[:40]
    _refuse(path, f'{place} holds {shown}; expected numbers, "inf", "-inf" or "nan"')


def wanted_cases(results: Results) -> tuple[list[GoldenCase], list[GoldenCase]]:
    """Cases that have to be there, and cases out of the range of the backend's dtype."""
    declared = [case for case in cases() if not results.leaves_out(case)]
    out_of_range = [case for case in declared if case.tolerance[results.dtype] is None]
    states = partial(_states_any, left_out=results.quantities)
    return [c for c in declared if c not in out_of_range and states(c)], out_of_range


def _states_any(case: GoldenCase, left_out: tuple[str, ...]) -> bool:
    return not set(case.expected) <= set(left_out)
