"""How far chance is in the numbers of a study, in words."""

from vmfailover.results.quantities import counted

#: What a study of single runs has to say of itself.
SINGLE_DRAWS = "one run each: chance cannot be told from cause"


def drawn_from(replications: int) -> str:
    """Return what the numbers of a table or a figure are: means of so many runs, or single draws."""
    if replications == 1:
        return SINGLE_DRAWS
    return f"means of {counted(replications, 'run')} each"
