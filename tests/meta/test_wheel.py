"""The check of the wheel, shown wheels that are wrong. `.ci/run` builds one and runs it."""

import zipfile

from tests.meta.wheel import MAX_BYTES, faults, files_of_the_packages, main

FILES = {"gsnr_ref/cli.py": 100, "gsnr_ref/py.typed": 0, "toy_models/mlp.py": 100}


def test_the_packages_hold_what_a_user_needs():
    files = files_of_the_packages()
    assert files >= {*FILES, "gsnr_ref/golden/v1/results.schema.json"}
    assert not any("__pycache__" in name for name in files)


def test_planted_wheels_are_refused():
    expected = set(FILES)
    assert faults(FILES | {"gsnr_ref-0.1.0.dist-info/METADATA": 100}, expected) == []
    (missing,) = faults({"gsnr_ref/py.typed": 0, "toy_models/mlp.py": 100}, expected)
    assert missing == "gsnr_ref/cli.py is missing"
    (stray,) = faults(FILES | {"docs/conf.py": 1}, expected)
    assert stray == "docs/conf.py has no place in a wheel"
    assert len(faults(FILES | {"tests/conftest.py": 1}, expected)) == 2
    writer = "gsnr_ref/golden/generator/layers.py"
    assert faults(FILES | {writer: 1}, {*expected, writer}) == [f"{writer} belongs to the tests"]
    (large,) = faults(FILES | {"gsnr_ref/py.typed": MAX_BYTES}, expected)
    assert "bytes unpacked; expected at most" in large


def test_a_wheel_is_read_from_its_file(tmp_path, capsys):
    path = tmp_path / "a.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("gsnr_ref/cli.py", "x" * 7)
    assert main(path) == 1
    assert "       7 gsnr_ref/cli.py\n1 files, 7 bytes unpacked\n" in capsys.readouterr().out
