"""The only writer of the golden values: ``python -m tests.certify [--write]``.

Imports nothing of ``gsnr_ref``, except where ``__main__`` compares and lists mistakes: losses and
gradients derived by hand (``layers``), GSNR and OSGR equation by equation (``quantities``), on
Fractions or on balls that are proven to hold the value (``scalars``), rounded to the nearest double
(``rounded``).
"""
