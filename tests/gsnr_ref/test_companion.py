"""A user's own ``toy_models`` beside a script: what still works, and what is said of the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

import toy_models

APPLICATIONS = ("gsnr_ref.claims.claim", "gsnr_ref.experiments.registry", "gsnr_ref.golden")


def run(folder, statement, *options):
    (folder / "script.py").write_text(statement)
    command = [sys.executable, *options, "script.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def shadowed(tmp_path):
    (tmp_path / "toy_models.py").write_text("print('the file of the user runs')")
    return tmp_path


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_names_the_file_that_hides_toy_models_and_does_not_run_it(
    shadowed, application
):
    result = run(shadowed, f"import {application}")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(
        f"ImportError: {shadowed / 'toy_models.py'} hides the package toy_models"
    )
    assert result.stdout == ""


def test_with_P_it_is_not_hidden(shadowed):
    assert run(shadowed, "import gsnr_ref.golden", "-P").returncode == 0


def test_the_core_does_without_toy_models(shadowed):
    statement = "import gsnr_ref, toy_models; print(gsnr_ref.gsnr.__name__)"
    result = run(shadowed, statement)
    assert result.stdout == "the file of the user runs\ngsnr\n", result.stderr


def test_a_package_of_that_name_is_named_too(tmp_path):
    (tmp_path / "toy_models").mkdir()
    (tmp_path / "toy_models" / "__init__.py").touch()
    result = run(tmp_path, "import gsnr_ref.golden")
    assert f"ImportError: {tmp_path / 'toy_models' / '__init__.py'} hides" in result.stderr


def test_inside_it_is_found_under_any_name(shadowed):
    """Its imports are relative, so that a copy under another name does not read the wrong file."""
    init = Path(toy_models.__file__)
    result = run(
        shadowed,
        f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("another_name", {str(init)!r})
module = sys.modules["another_name"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.MLP((2, 3, 1)), module.MLP.__module__, "toy_models" in sys.modules)
""",
    )
    expected = "MLP((2, 3, 1), activation='tanh', loss='squared') another_name.mlp False\n"
    assert result.stdout == expected, result.stderr


def test_a_missing_package_is_named(monkeypatch):
    from gsnr_ref import companion

    monkeypatch.setattr(companion, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="toy_models, installed with gsnr_ref, is gone"):
        companion.check_toy_models()
