"""Every equation as an executable claim: left side, right side, and what may differ and why.

An application: sits on top of the core and of ``toy_models``.
"""
