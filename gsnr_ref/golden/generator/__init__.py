"""The only writer of the golden values: ``python -m gsnr_ref.golden.generator [--write]``.

Exact arithmetic that shares no code with the rest of the package: losses and gradients derived by
hand (``layers``), GSNR and OSGR equation by equation (``quantities``), on Fractions or on balls
that are proven to hold the value (``scalars``), rounded to the nearest double (``certify``).
"""
