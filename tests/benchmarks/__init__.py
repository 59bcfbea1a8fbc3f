"""Speed and memory side by side, ``python -m tests.benchmarks``; digits, ``... .digits``.

Run by hand: no test runs them.
"""
