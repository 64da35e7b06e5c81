"""How far chance is in the numbers of a study, and which runs are not in them, in words."""

from vmfailover.results.quantities import counted

#: What a study of single runs has to say of itself.
SINGLE_DRAWS = "one run each: chance cannot be told from cause"
#: What marks a number of which some runs have no part.
PARTIAL = "†"
#: What that mark says.
SURVIVORS = "of the runs that have a value; others, as where the VM never came back, are not in it"
PARTIAL_MEANS = f"{PARTIAL} {SURVIVORS}"


def drawn_from(replications: int) -> str:
    """Return what the numbers of a table or a figure are: means of so many runs, or single draws."""
    if replications == 1:
        return SINGLE_DRAWS
    return f"means of {counted(replications, 'run')} each"


def partial_mark(known: float, runs: int) -> str:
    """Return the mark of a number that is known in so many of its runs, if it has one."""
    return PARTIAL if 0 < known < runs else ""


def of_runs(known: float, runs: int) -> str:
    """Return in how many runs a number is known, where these are not all, such as ` (1 of 5 runs)`."""
    return f" ({known:g} of {counted(runs, 'run')})" if 0 < known < runs else ""
