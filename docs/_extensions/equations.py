"""Every equation, its place in these pages, and the code that computes it: the page `equations`.

A place is a displayed formula with ``\\tag{22}``; its home is the first of them in the book, then
in the notation, then elsewhere. A line of code belongs to an equation whose number begins its
comment.
"""

import inspect
import io
import re
import tokenize
from pathlib import Path

from formulas import numbers

from gsnr_ref.claims.claim import title
from gsnr_ref.claims.equations import EQUATIONS

ROOT = Path(__file__).parents[2]
#: The paper's formulas for estimates, which state nothing that could be claimed.
ESTIMATES = {
    "23": "The left side estimated: sum of test-loss decreases over M training sets …",
    "24": "… over the sum of their training-loss decreases",
    "25": "The right side estimated: a plug-in of sample means and variances over M training sets",
}
#: Public names that compute an equation, or a side of it.
FUNCTIONS = {
    "1": ("per_sample_gradients", "gradient_moments", "check_model"),
    "2": ("gsnr", "gsnr_summary"),
    "5": ("measured_osgr", "enumerated_osgr"),
    "10": ("gradient_moments",),
    "11": ("held_out_osgr",),
    "12": ("enumerated_osgr",),
    "13": ("enumerated_osgr",),
    "14": ("gap_ledger",),
    "19": ("predicted_osgr",),
    "21": ("osgr_weights",),
    "22": ("predicted_osgr",),
    "23": ("measured_osgr",),
    "24": ("measured_osgr",),
    "25": ("plug_in_osgr",),
    "28": ("feature_learning_terms", "FeatureLearningTerms"),
    "3.1": ("collapsed_osgr", "effective_gsnr"),
    "3.2": ("related.simple_noise_scale", "related.osgr_from_noise_scale"),
    "3.3": ("related.coherence", "related.osgr_from_coherence", "related.m_coherence"),
    "3.4": ("osgr_expansion", "closed_form.finite_linear_regression"),
    "3.5": ("preconditioned_osgr",),
    "3.6": ("holdout_osgr", "closed_form.holdout_linear_regression"),
    "3.7": ("enumerated_osgr",),
    "3.8": ("mixed_moments",),
    "3.9": ("closed_form.gaussian_linear_regression",),
    "3.10": ("closed_form.location_model",),
    "4.1": ("held_out_osgr",),
    "4.2": ("reuse_factor",),
    "4.3": ("reuse_factor",),
    "4.4": ("closed_form.trained_location_model",),
    "4.5": ("reuse_law",),
    "4.6": ("gap_ledger",),
    "4.7": ("finite_step_osgr",),
    "4.8": ("held_out_osgr", "reuse_factor"),
    "4.9": ("related.sample_agreement",),
    "4.10": ("reuse_law",),
    "4.11": ("reuse_law",),
    "4.12": ("leave_one_out_run",),
}
_NUMBER = r"\d+(?:\.\d+)?"
_COMMENT = re.compile(rf"#:? *(?:[Ee]quations? )?({_NUMBER}(?:(?:,| and) {_NUMBER})*)(?=[:;,]|$)")


def homes(docs: Path, language: str = "en") -> dict[str, str]:
    """The page, without its ending, on which each equation is derived in a language."""
    found: dict[str, tuple[int, str]] = {}
    for path in sorted(docs.rglob("*.md")):
        page = path.relative_to(docs).with_suffix("").as_posix()
        first, _, rest = page.partition("/")
        if first in ("reference", "_build", "equations") or (first == "zh") != (language == "zh"):
            continue
        inside = rest if first == "zh" else page
        rank = 0 if inside.startswith("book/") else 1 if inside == "notation" else 2
        for number in numbers(path.read_text(encoding="utf-8")):
            found[number] = min(found.get(number, (rank, page)), (rank, page))
    return {number: page for number, (_, page) in found.items()}


def cited(source: str) -> dict[int, list[str]]:
    """The equations whose numbers begin the comments of a source, by line.

    Examples
    --------
    >>> cited("x = 1  # equation 22\\ny = 2  # 4.1, 4.2\\nz = 3  # 5 of them\\n")
    {1: ['22'], 2: ['4.1', '4.2']}
    """
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        match = token.type == tokenize.COMMENT and _COMMENT.match(token.string)
        named = re.split(r", | and ", match[1]) if match else []
        if named and all(number in FUNCTIONS for number in named):
            found[token.start[0]] = named
    return found


def lines_of_code() -> dict[str, list[tuple[str, int]]]:
    """The files and lines of the core that compute each equation."""
    found: dict[str, list[tuple[str, int]]] = {number: [] for number in FUNCTIONS}
    for path in sorted((ROOT / "gsnr_ref").rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        if file.startswith(("gsnr_ref/claims", "gsnr_ref/experiments", "gsnr_ref/golden")):
            continue
        for line, named in cited(path.read_text(encoding="utf-8")).items():
            for number in named:
                found[number].append((file, line))
    return found


def claims(number: str) -> list[tuple[str, str, int]]:
    """Title, file and line of each claim of an equation."""
    return [(title(check), *place(check)) for check, _ in EQUATIONS.get(number, ())]


def place(thing: object) -> tuple[str, int]:
    """File, from the root of the repository, and line where a function or class is defined."""
    _, line = inspect.getsourcelines(thing)  # type: ignore[arg-type]
    folder = thing.__module__.replace(".", "/")
    return (f"{folder}/__init__.py" if (ROOT / folder).is_dir() else f"{folder}.py"), line


def in_order(number: str) -> tuple[int, ...]:
    """A key that sorts 1 to 28 first, then 3.k and 4.k."""
    first, _, second = number.partition(".")
    return (int(bool(second)), int(first), int(second or 0))
