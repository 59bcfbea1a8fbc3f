"""``python -m gsnr_ref``: the command ``gsnr-ref``. Imports ``cli``."""

import sys

from gsnr_ref.cli import main

if __name__ == "__main__":
    sys.exit(main())
