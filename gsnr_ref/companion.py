"""That ``toy_models`` is the package installed with this one. Imports nothing of the package.

Each application imports this module first. A file ``toy_models.py`` beside a user's script hides
the package of that name, and Python would run it, then say that some name cannot be imported.
"""

from importlib.util import find_spec
from pathlib import Path


def check_toy_models() -> None:
    """Raise an ImportError that names the file, if another module bears the name."""
    spec = find_spec("toy_models")
    if spec is None:
        raise ImportError("the package toy_models, installed with gsnr_ref, is gone: reinstall it")
    folders = list(spec.submodule_search_locations or ())
    if not any((Path(folder) / "affine_maps.py").is_file() for folder in folders):
        raise ImportError(
            f"{spec.origin or folders[0]} hides the package toy_models, which is installed with "
            "gsnr_ref and which this part of it needs: rename it, or run python -P script.py"
        )


check_toy_models()
