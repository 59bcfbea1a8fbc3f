"""Add digests of new golden values, change none: ``python -m tests.gsnr_ref.golden.freeze``."""

import json

from tests.gsnr_ref.golden.test_values import FROZEN, changed, digests

if __name__ == "__main__":
    frozen = json.loads(FROZEN.read_text()) if FROZEN.exists() else {}
    now = digests()
    if different := changed(frozen, now):
        raise SystemExit(f"frozen values differ: {different}")
    FROZEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
