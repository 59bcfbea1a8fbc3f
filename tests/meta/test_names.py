"""Names: one meaning each, and no module hidden by what its package hands on."""

import sys
from importlib import import_module

import pytest

from tests.meta.test_layers import FACES, MODULES, PACKAGED

#: Names that several modules bear, and why they mean the same.
SHARED = {
    "command": "each application's part of the command gsnr-ref",
    "feature_learning": "equation 28, and the experiment that shows it",
    "osgr": "the ratio from moments and by its definition, and estimated from a sample",
    "recurrent": "the network, and the experiment with it",
}


def shared_names(modules):
    """Last words of dotted names that several modules have in common."""
    last = [name.rpartition(".")[2] for name in modules]
    return {name for name in last if last.count(name) > 1}


def hidden_modules(package, names):
    """Those of a package's modules that one does not get by their name."""
    namespace = vars(import_module(package))
    for name in set(names) - {"__main__"}:  # which runs when it is imported
        module = import_module(f"{package}.{name}")
        if namespace[name] is not module:
            yield name


def test_no_two_modules_share_a_name_unless_they_mean_the_same():
    assert shared_names(PACKAGED) == set(SHARED)


@pytest.mark.parametrize("package", sorted(FACES))
def test_no_module_is_hidden_by_what_its_package_hands_on(package):
    names = [name for name in MODULES if name.rpartition(".")[0] == package]
    assert names
    assert list(hidden_modules(package, [n.rpartition(".")[2] for n in names])) == []


def test_planted_names_are_found(tmp_path, monkeypatch):
    assert shared_names(["gsnr_ref.a", "gsnr_ref.b.c", "toy_models.a"]) == {"a"}
    package = tmp_path / "planted_package"
    package.mkdir()
    (package / "__init__.py").write_text("from planted_package.ratio import ratio")
    (package / "ratio.py").write_text("def ratio():\n    pass")
    (package / "step.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert list(hidden_modules("planted_package", ["ratio", "step"])) == ["ratio"]
    finally:
        for name in [name for name in sys.modules if name.startswith("planted_package")]:
            del sys.modules[name]
