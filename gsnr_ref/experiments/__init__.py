"""Imports ``companion``, ``contract``, ``feature_learning``, ``files``, ``gradients``,
``inference``, ``moments``, ``options``, ``osgr``, ``parallel``, ``related``, ``signal_to_noise``
and ``toy_models``: the experiments of the paper, and some that it did not do.

One experiment a file, under the name that ``gsnr-ref reproduce`` knows. ``harness`` runs any grid
of cells and writes what comes of it; ``shared`` holds the physics that several experiments have in
common; ``registry`` lists the experiments, and ``command`` stands on top.
"""

from gsnr_ref import companion  # noqa: F401 (checks that toy_models is ours)
