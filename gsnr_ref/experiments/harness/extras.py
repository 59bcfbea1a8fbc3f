"""What a run needs installed, looked for before it starts. Imports nothing of the package."""

from importlib import import_module


def require(purpose: str, extra: str, *modules: str) -> None:
    """Import modules, or say which extra has them.

    Raises
    ------
    ImportError
        Naming the purpose, the library and the extra.

    Examples
    --------
    >>> require("--dask", "cluster", "no_such_library.part")
    Traceback (most recent call last):
        ...
    ImportError: --dask needs no_such_library: pip install "gsnr-ref[cluster]"
    """
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            library = module.partition(".")[0]
            raise ImportError(
                f'{purpose} needs {library}: pip install "gsnr-ref[{extra}]"'
            ) from error
