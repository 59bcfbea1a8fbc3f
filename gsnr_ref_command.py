"""The command ``gsnr-ref``, entered here, where nothing is imported yet.

``gsnr_ref`` and its libraries take a moment to import. Ctrl-C in that moment is told in one line,
as it is later.
"""

import sys


def main() -> int:
    """Run the command; return its exit code."""
    try:
        from gsnr_ref.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("gsnr-ref: interrupted", file=sys.stderr)
        return 130
