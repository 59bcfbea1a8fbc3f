"""Run the targets: ``python -m tests.fuzz --seconds 300 [--target NAME] [--corpus DIR]``.

The seconds are shared by the targets, each in a process of its own. With atheris (extra ``fuzz``)
inputs are led by what code they reach; without it they are seeds changed at random, with a seed
that is printed. A line a target gives its executions, seconds and findings; a finding is written to
the folder of findings, and makes the exit code 1.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

#: The promise on memory: a target takes no more than this, the interpreter included.
MAX_MIB = 1024
MAX_SECONDS_AN_INPUT = 10
MAX_SECONDS_TO_BEGIN = 120
MAX_BYTES = 4096
INSTRUMENTED = ["gsnr_ref", "toy_models", "tests.fuzz", "fnmatch", "gzip", "json", "argparse"]


def main(arguments=None):
    """Run every target, or one; return the exit code."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="for all targets together")
    parser.add_argument("--target", metavar="NAME", action="append", help="only this; repeatable")
    parser.add_argument(
        "--corpus", metavar="DIR", type=Path, help="keep what reaches new code here"
    )
    parser.add_argument("--findings", metavar="DIR", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--seed", type=int, default=None, help="default: from the clock")
    parser.add_argument("--plain", action="store_true", help="without atheris, even if it is there")
    parser.add_argument("--child", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.seed = time.time_ns() % 2**31 if options.seed is None else options.seed
    options.plain |= importlib.util.find_spec("atheris") is None
    if options.child:
        return run_here(options)

    from tests.fuzz.targets import targets

    names = options.target or sorted(targets())
    if unknown := sorted(set(names) - set(targets())):
        parser.error(f"no target {unknown}; expected some of {sorted(targets())}")
    engine = "seeded mutation" if options.plain else "atheris"
    print(
        f"{engine}, seed {options.seed}, {options.seconds / len(names):.0f} s a target", flush=True
    )
    total = n_findings = 0
    for name in names:
        executions, seconds, findings = run_apart(name, options, options.seconds / len(names))
        total, n_findings = total + executions, n_findings + len(findings)
        print(
            f"{name:<24} {executions:>12,} executions {seconds:>7.0f} s {len(findings)} findings",
            *(f"\n    {path}" for path in findings),
            flush=True,
        )
    print(f"{'total':<24} {total:>12,} executions, {n_findings} findings")
    return 1 if n_findings else 0


def run_apart(name, options, seconds):
    """Run a target in a process; return executions, seconds, and the files of its findings."""
    options.findings.mkdir(parents=True, exist_ok=True)
    before = set(options.findings.iterdir())
    with tempfile.TemporaryDirectory() as folder:
        report, log, done = Path(folder) / "report.json", Path(folder) / "log.txt", None
        command = [
            sys.executable, "-m", "tests.fuzz", "--target", name, "--seconds", str(seconds),
            "--child", str(report), "--findings", str(options.findings),
            "--seed", str(options.seed),
        ]  # fmt: skip
        command += ["--plain"] if options.plain else []
        command += ["--corpus", str(options.corpus)] if options.corpus else []
        started = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired), log.open("wb") as file:
            done = subprocess.run(
                command, stdout=file, stderr=file, timeout=seconds + MAX_SECONDS_TO_BEGIN
            )
        failed = done is None or done.returncode != 0
        taken = time.monotonic() - started
        printed = log.read_text(encoding="utf-8", errors="replace")
        executions = json.loads(report.read_text()) if report.exists() else executed(printed)
    findings = sorted(set(options.findings.iterdir()) - before)
    if failed:
        logged = options.findings / f"{name}-log.txt"
        logged.write_text(printed, encoding="utf-8")
        findings = findings or [logged]
    return executions, taken, findings


def executed(log):
    """The number of executions that libFuzzer prints, at its end or as it goes."""
    printed = re.findall(r"(?:^#|number_of_executed_units: )(\d+)", log, re.MULTILINE)
    return max(map(int, printed), default=0)


def run_here(options):
    """Run one target in this process."""
    [name] = options.target
    return run_mutation(name, options) if options.plain else run_atheris(name, options)


def run_atheris(name, options):
    """Let atheris run a target: it ends the process itself."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.targets import seeds, targets

        target = targets()[name]
    from tests.fuzz.guarding import guarded

    first, kept = options.child.parent / "first", options.child.parent / "kept"
    first.mkdir()
    for content in seeds(target):
        (first / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    kept = options.corpus / name if options.corpus else kept
    kept.mkdir(parents=True, exist_ok=True)

    def one(data):
        with guarded():
            target(data)

    flags = {
        "max_total_time": max(1, int(options.seconds)),
        "max_len": MAX_BYTES,
        "rss_limit_mb": MAX_MIB,
        "timeout": MAX_SECONDS_AN_INPUT,
        "seed": options.seed % 2**31 or 1,
        "artifact_prefix": f"{options.findings}/{name}-",
        "print_final_stats": 1,
    }
    words = [f"-{key}={value}" for key, value in flags.items()]
    atheris.Setup([sys.argv[0], *words, str(kept), str(first)], one)
    atheris.Fuzz()


def run_mutation(name, options):
    """Feed a target with changed seeds; stop at a finding."""
    from tests.fuzz.guarding import BrokenPromise, guarded
    from tests.fuzz.mutation import inputs
    from tests.fuzz.targets import seeds, targets

    def too_long(*_: object) -> None:
        raise BrokenPromise(f"took more than {MAX_SECONDS_AN_INPUT} s")

    signal.signal(signal.SIGALRM, too_long)
    target = targets()[name]
    ends, executions, code = time.monotonic() + options.seconds, 0, 0
    for data in inputs(seeds(target), random.Random(options.seed), MAX_BYTES):
        if time.monotonic() > ends:
            break
        executions += 1
        problem = ""
        try:
            signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS_AN_INPUT)
            with guarded():
                target(data)
        except BaseException:
            problem = traceback.format_exc()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > MAX_MIB * 1024:
            problem = f"took more than {MAX_MIB} MiB"
        if problem:
            digest = hashlib.sha256(data).hexdigest()[:16]
            (options.findings / f"{name}-crash-{digest}").write_bytes(data)
            print(problem)
            code = 1
            break
    options.child.write_text(json.dumps(executions))
    return code


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
