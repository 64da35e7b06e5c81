"""The version of this program."""


def version() -> str:
    """Return the installed version, `0+unknown` where the package runs without being installed."""
    from importlib import metadata  # takes longer to import than --help should

    try:
        return metadata.version("vmfailover")
    except metadata.PackageNotFoundError:
        return "0+unknown"
