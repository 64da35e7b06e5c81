"""Whether this process is the kernel of a notebook."""

import sys


def in_notebook() -> bool:
    """Say whether what is displayed goes to a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
