"""Every equation as an executable claim: left side, right side, and what may differ and why.

An application: sits on top of the core and of ``toy_models``.
"""

from gsnr_ref import companion  # noqa: F401 (checks that toy_models is ours)
