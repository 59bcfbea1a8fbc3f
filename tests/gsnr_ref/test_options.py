import argparse

import pytest

from gsnr_ref.options import jobs, number, seed

positive = number(float, 5e-324, "a positive number")


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (positive, "5e-324", 5e-324),
        (positive, "1e308", 1e308),
        (seed, "0", 0),
        (jobs, "1", 1),
        (jobs, "-1", -1),
    ],
)
def test_the_ends_of_what_is_read(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((positive, text) for text in ("0", "1e-400", "inf", "nan", "-1", "one", "")),
        *((seed, text) for text in ("-1", "1.5", "inf", "one")),
        *((jobs, text) for text in ("0", "-2", "1.5", "all")),
    ],
)
def test_what_is_refused_names_the_text_and_what_was_expected(read, text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"^is '{text}'; expected "):
        read(text)
