import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gsnr_ref import cli
from tests.fuzz.targets_command_lines import WORDS, fuzz_command_line, seeds_command_line

word = st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0"), max_size=8)


@given(st.lists(word, max_size=8))
@example(["verify", "--n", "\x1b[2J"])
@example(["\x1b]0;title\x07"])
@example(["verify", "a\nb", "\udcff", "\u202e"])
@example(["verify", "--n", "9" * 5000])
def test_any_words_end_as_documented(words):
    fuzz_command_line("\0".join(words).encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=40))
def test_any_bytes_end_as_documented(data):
    fuzz_command_line(data)


@pytest.mark.parametrize("seed", seeds_command_line())
def test_seeds_are_accepted_by_the_target(seed):
    fuzz_command_line(seed)


def test_a_planted_traceback_and_a_planted_control_character_are_found(monkeypatch):
    monkeypatch.setattr(cli, "one_line", lambda text: text)
    with pytest.raises(AssertionError):
        fuzz_command_line(b"verify\0\x1b[2J")
    monkeypatch.setattr(cli, "_parser", lambda words: {}["gone"])
    with pytest.raises(KeyError):
        fuzz_command_line(b"verify")
