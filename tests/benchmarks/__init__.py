"""Speed and memory side by side, ``python -m tests.benchmarks``; digits, ``... .digits``.

Run by hand, on Linux: no test runs them, but that the error bound of the digits is never crossed.
"""
