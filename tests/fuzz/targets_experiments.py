"""Fuzz targets of the experiments: functions of bytes that raise only on a broken promise."""

import json

from gsnr_ref.experiments.harness import CellFileError
from gsnr_ref.experiments.harness.cells import _digest, as_text, rows_in
from gsnr_ref.experiments.registry import EXPERIMENTS

CELL = {"n": 10, "rate": 0.1, "data": "digits", "epochs": [1, 5], "seed": 0}
ROWS = [{"n": 10, "r": 0.1 + 0.2, "name": "ü", "odd": None}, {"r": float("inf"), "k": -0.0}]
_WRITTEN = json.dumps(ROWS, sort_keys=True)
_WRITTEN_DIGEST = json.loads(as_text(CELL, ROWS, 1.5))["sha256"].encode()


def seeds_cell() -> list[bytes]:
    """Files as they are written, and contents to be given a digest."""
    return [
        b"\0" + as_text(CELL, ROWS, 1.5).encode(),
        b"\1" + json.dumps({"cell": CELL, "seconds": 1.5, "rows": ROWS}).encode(),
        b"\1" + json.dumps({"cell": CELL, "seconds": "x", "rows": ROWS}).encode(),
        b"\1" + json.dumps({"cell": CELL, "seconds": 0, "rows": [7]}).encode(),
    ]


def seeds_set() -> list[bytes]:
    """Every setting of every experiment, at the value that it has."""
    return [
        bytes([k, 0]) + f"{name}={json.dumps(value)}".encode()
        for k, experiment in enumerate(EXPERIMENTS.values())
        for name, value in experiment.scales["smoke"].items()
    ]


def fuzz_cell(data: bytes) -> None:
    """A cell's file gives the rows that were written, digit for digit, or a CellFileError.

    After an even first byte comes the file; after an odd one its content, to which the digest is
    added: what another program might write. A fuzzer that sees the digest compared can write
    another one that is right as well: only with the digest that was written must rows be those.
    """
    content = data[1:]
    if data[:1] and data[0] % 2:
        try:
            kept = json.loads(content)
            content = json.dumps(kept | {"sha256": _digest(kept)}).encode()
        except (ValueError, TypeError, RecursionError):
            return
    try:
        rows, seconds = rows_in(content, CELL)
    except CellFileError as error:
        assert 0 < len(str(error)) < 300, error
        return
    assert all(isinstance(row, dict) for row in rows)
    assert seconds + 0 == seconds or seconds != seconds
    assert _WRITTEN_DIGEST not in content or json.dumps(rows, sort_keys=True) == _WRITTEN


def fuzz_set(data: bytes) -> None:
    """``--set`` gives settings within what is stated, and cells; or one short line.

    The first byte picks the experiment, the second the scale; the rest is the argument.
    """
    experiments = list(EXPERIMENTS.values())
    first, second = (data[:2] + b"\0\0")[:2]
    experiment = experiments[first % len(experiments)]
    scale = ("smoke", "default", "paper")[second % 3]
    change = data[2:].decode("utf-8", "surrogateescape")
    try:
        settings = experiment.settings(scale, [change])
    except ValueError as error:
        told = str(error)
        assert told.startswith("--set "), told
        assert "; expected " in told
        assert told.isprintable()
        assert len(told) < 400
        return
    key = change.partition("=")[0]
    before = experiment.scales[scale]
    assert settings.keys() == before.keys()
    assert all(settings[k] == before[k] for k in settings if k != key)
    assert type(settings[key]) is type(before[key])
    for value in settings[key] if isinstance(before[key], list) else [settings[key]]:
        assert experiment.expected[key].read(value) == value
        model = before[key][0] if isinstance(before[key], list) else before[key]
        assert type(value) is type(model)
    again = experiment.settings(scale, [f"{key}={json.dumps(settings[key])}"])
    assert again == settings
    if settings.get("repetitions", 1) < 100:
        cells = experiment.cells(settings)
        assert json.loads(json.dumps(cells)) == cells
        assert len({json.dumps(cell, sort_keys=True) for cell in cells}) == len(cells) > 0
