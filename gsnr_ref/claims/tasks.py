"""Which claims run on which cases."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gsnr_ref.claims.claim import Check, Claim, Settings
from gsnr_ref.claims.controls import correlated_draws, fitted_parameters, fitted_with_reuse
from gsnr_ref.claims.equations import EQUATIONS
from gsnr_ref.claims.identity import (
    converges_with_order_one,
    exact_in_rational_arithmetic,
    forms_agree,
    mean_of_g_d,
    measured_equals_predicted,
    tapped_equals_loop,
)
from gsnr_ref.parallel import one_blas_thread
from toy_models.cases import MODELS, Case, make_case

#: Checks for a case that a user can choose, in the order of the derivation.
CASE_CHECKS: tuple[Check, ...] = (
    tapped_equals_loop,
    mean_of_g_d,
    forms_agree,
    measured_equals_predicted,
)
SMALL_CHECKS: dict[tuple[str, str], tuple[Check, ...]] = {
    ("finite", "mlp"): (converges_with_order_one,),
    ("finite", "linear"): (converges_with_order_one,),
    ("rational", "linear"): (exact_in_rational_arithmetic,),
}
CONTROLS: tuple[Check, ...] = (fitted_parameters, correlated_draws)
#: What repairs a control, on the same parameters.
REPAIRS: tuple[Check, ...] = (fitted_with_reuse,)


@dataclass(frozen=True)
class Task:
    """One check on one case, not yet run.

    Examples
    --------
    >>> case = make_case("rational", "linear")
    >>> Task(exact_in_rational_arithmetic, case, Settings()).run()[0].holds
    True
    """

    check: Check
    case: Case
    settings: Settings

    def run(self) -> list[Claim]:
        """Evaluate both sides, on one BLAS thread: matrices are small, and digits the same."""
        with one_blas_thread():
            return self.check(self.case, self.settings)


def plan(
    data: str | None, model: str | None, settings: Settings, directory: str | Path | None = None
) -> list[Task]:
    """Return what `gsnr-ref verify` runs.

    Parameters
    ----------
    data : {"digits", "mnist", "product", "gaussian"}, optional
        Left out: the digits, the small synthetic populations, and the controls.
    model : {"mlp", "softmax", "linear"}, optional
        Left out: every model that fits the data.
    settings : Settings
    directory : path, optional
        Where MNIST lies.

    Examples
    --------
    >>> len(plan("gaussian", "linear", Settings()))
    4
    """
    kinds = [data] if data else ["digits", "product", "gaussian"]
    fitting = [(kind, m) for kind in kinds for m in MODELS[kind] if model in (None, m)]
    if not fitting:
        raise ValueError(f"model is {model!r} on {data}; expected one of {list(MODELS[kinds[0]])}")
    if data is None and model is None:
        fitting = [
            ("digits", "mlp"),
            ("digits", "softmax"),
            ("product", "mlp"),
            ("gaussian", "linear"),
        ]
    cases = [make_case(kind, m, settings.seed, directory) for kind, m in fitting]
    tasks = [Task(check, case, settings) for case in cases for check in CASE_CHECKS]
    if data is None:
        for (kind, m), checks in SMALL_CHECKS.items():
            case = make_case(kind, m, settings.seed)
            tasks += [Task(check, case, settings) for check in (forms_agree, *checks)]
        tasks += [Task(check, cases[0], settings) for check in (*CONTROLS, *REPAIRS)]
    return tasks


def plan_equations(equations: Iterable[str], settings: Settings) -> list[Task]:
    """Return what `gsnr-ref verify --equation` runs: each equation on its small cases.

    Parameters
    ----------
    equations : iterable of str
        Keys of ``EQUATIONS``.
    settings : Settings

    Examples
    --------
    >>> [claim.verdict for claim in run(plan_equations(["14"], Settings()))]
    ['holds', 'holds']
    """
    return [
        Task(check, make_case(*case, seed=settings.seed), settings)
        for equation in equations
        for check, cases in EQUATIONS[equation]
        for case in cases
    ]


def run(tasks: Iterable[Task]) -> Iterator[Claim]:
    """Run the tasks one after the other.

    Examples
    --------
    >>> [c.verdict for c in run([Task(forms_agree, make_case("finite", "mlp"), Settings((2,)))])]
    ['holds']
    """
    for task in tasks:
        yield from task.run()
