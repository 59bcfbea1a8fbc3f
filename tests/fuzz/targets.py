"""The targets that there are, their seeds, and the inputs that were found."""

import importlib
from pathlib import Path

HERE = Path(__file__).parent
FOUND = HERE / "found"


def targets():
    """Every function ``fuzz_NAME`` of the modules ``targets_*.py``, by NAME."""
    found = {}
    for path in sorted(HERE.glob("targets_*.py")):
        module = importlib.import_module(f"tests.fuzz.{path.stem}")
        for name, function in vars(module).items():
            if name.startswith("fuzz_") and function.__module__ == module.__name__:
                found[name.removeprefix("fuzz_")] = function
    return found


def seeds(target):
    """Valid inputs of a target, and those that were found; the empty input where there are none."""
    name = target.__name__.removeprefix("fuzz_")
    module = importlib.import_module(target.__module__)
    made = getattr(module, f"seeds_{name}", list)()
    kept = [path.read_bytes() for path in sorted((FOUND / name).glob("*"))]
    return [*made, *kept] or [b""]
