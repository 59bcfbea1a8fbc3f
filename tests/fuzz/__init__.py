"""Fuzzing of everything that reads outside data: ``python -m tests.fuzz --seconds 300``.

Each module ``targets_*.py`` holds targets, plain functions ``fuzz_NAME(data: bytes) -> None`` that
raise only where a promise is broken: any exception but the documented error classes. A function
``seeds_NAME() -> list[bytes]`` beside a target gives valid inputs to begin with. Inputs that broke
a promise once are kept in ``found/NAME/`` and replayed by ``test_found.py``.

A target may use no other resources than these, and `guarding` refuses them: a file is written only
under the folder for temporary files, nothing is deleted or renamed elsewhere, no process is started
and no connection is opened.
"""
