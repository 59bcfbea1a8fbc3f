"""``python -m tests.certify``: what it writes, and what it never does."""

import json

import pytest

from tests.certify import __main__ as command
from tests.certify.cases import all_cases
from tests.certify.document import document

FOLDER = command.FOLDER


def test_the_whole_document_is_what_is_written():
    stated = next(case for case in all_cases() if case.id == "mlp2-tanh-frozen")
    committed = json.loads((FOLDER / "cases/mlp2-tanh-frozen.json").read_text())
    assert document(stated) | {"mistakes": committed["mistakes"]} == committed


def test_it_compares_and_never_changes(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["certify", "--only", "location", "linear-one-sample"])
    assert command.main() == 0
    assert capsys.readouterr().out == "2 of 2 cases certified\n"
    monkeypatch.setattr("sys.argv", ["certify", "--only", "no-such-case"])
    with pytest.raises(SystemExit):
        command.main()
    assert "['no-such-case'] are no cases" in capsys.readouterr().err
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    (tmp_path / "cases").mkdir()
    wrong = tmp_path / "cases" / "location.json"
    wrong.write_text("{}")
    monkeypatch.setattr("sys.argv", ["certify", "--only", "location", "linear", "--write"])
    assert command.main() == 1
    assert "cases/location.json is not what is certified" in capsys.readouterr().err
    assert wrong.read_text() == "{}"
    written = (tmp_path / "cases" / "linear.json").read_text()
    assert written == (FOLDER / "cases" / "linear.json").read_text()


def test_conditions_are_stated_anew_and_values_are_not(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    (tmp_path / "cases").mkdir()
    committed = (FOLDER / "cases" / "location.json").read_text()
    path = tmp_path / "cases" / "location.json"
    monkeypatch.setattr("sys.argv", ["certify", "--only", "location", "--restate"])
    path.write_text(committed.replace('"condition"', '"condition" ', 1).replace("[7.2", "[9.2"))
    assert path.read_text() != committed
    command.main()
    assert path.read_text() == committed
    other = json.loads(committed)
    other["expected"]["losses"]["value"][0] *= 2
    path.write_text(json.dumps(other))
    assert command.main() == 1
    assert json.loads(path.read_text()) == other
