"""What a built wheel must hold, and what not: ``python -m tests.meta.wheel FILE``."""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_BYTES = 4_000_000  # unpacked: 3 MB of golden values, 1 MB of code with its docstrings
PACKAGES = ("gsnr_ref", "toy_models")


def files_of_the_packages(root=ROOT):
    """What a user needs of a checkout: the modules, what they read, and the marks of types."""
    paths = (path for package in PACKAGES for path in (root / package).rglob("*"))
    suffixes = (".py", ".json", ".typed")
    return {path.relative_to(root).as_posix() for path in paths if path.suffix in suffixes}


def faults(sizes, expected):
    """What is wrong with a wheel of files of these sizes in bytes."""
    inside = {name for name in sizes if ".dist-info/" not in name}
    found = [f"{name} is missing" for name in sorted(expected - inside)]
    found += [f"{name} has no place in a wheel" for name in sorted(inside - expected)]
    writers = {"certify", "generator", "tests"}
    found += [f"{n} belongs to the tests" for n in sorted(inside) if writers & set(n.split("/"))]
    if sum(sizes.values()) > MAX_BYTES:
        found += [f"{sum(sizes.values())} bytes unpacked; expected at most {MAX_BYTES}"]
    return found


def main(path):
    """Print the files and their size; exit with 1 if something is wrong."""
    with zipfile.ZipFile(path) as wheel:
        sizes = {file.filename: file.file_size for file in wheel.infolist()}
    for name, size in sizes.items():
        print(f"{size:8d} {name}")
    found = faults(sizes, files_of_the_packages())
    print(f"{len(sizes)} files, {sum(sizes.values())} bytes unpacked", *found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
