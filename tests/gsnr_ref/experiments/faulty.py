"""``gsnr-ref`` with a fault: says when it comes to a phase, and waits there a moment.

    python -m tests.gsnr_ref.experiments.faulty PHASE ARGUMENTS

Phases are "import", "computing" (a first cell is done), "drawing", "writing", or "none".
"""

import sys
import time

PHASE = sys.argv[1] if __name__ == "__main__" else "none"


def reached():
    """Tell the test, and give it the time to send a signal."""
    print("reached", flush=True)
    end = time.monotonic() + 20
    while time.monotonic() < end:  # as a computation is interrupted, between two steps
        time.sleep(0.01)


class AtImport:
    """Finds no module, and reaches the phase when one of ours is looked for."""

    def find_spec(self, name, path=None, target=None):
        """Look at a name that is imported."""
        if name == "gsnr_ref.contract":
            reached()


def before(module, name, phase):
    """Reach the phase where a function of a module is called."""
    function = getattr(module, name)

    def first(*arguments):
        if phase == "computing":
            result = function(*arguments)
            reached()
            return result
        reached()
        return function(*arguments)

    setattr(module, name, first)


if __name__ == "__main__":
    sys.argv[:] = ["gsnr-ref", *sys.argv[2:]]
    if PHASE == "import":
        sys.meta_path.insert(0, AtImport())
    elif PHASE != "none":
        from gsnr_ref.experiments.harness import grid, output

        module, name = {
            "computing": (grid, "write_cell"),
            "drawing": (output, "as_svg"),
            "writing": (output, "write_bytes_atomically"),
        }[PHASE]
        before(module, name, PHASE)
    from gsnr_ref.cli import main

    sys.exit(main())
