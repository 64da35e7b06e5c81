"""`vmfailover trace fit`: hot sets that modify memory as a guest does."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import PATH, Quantity, complain, dirty_rate_option
from vmfailover.cli.progress import counted_bar
from vmfailover.files.whole_file import require_file_writable

if TYPE_CHECKING:
    from vmfailover.studies.fit import DirtyRate, Fit

#: Exit code where the sets do not do well enough.
POOR = 1
#: Options that belong to a trace, and to rates, alone.
_OF_TRACES, _OF_RATES = ("ipc", "clock_hz", "holdout"), ("in_use", "below")


@click.command("fit")
@click.argument("trace", type=PATH, required=False)
@dirty_rate_option
@click.option("--qmp", type=PATH, help="Answers to QEMU's query-dirty-rate, in JSON.")
@click.option("--domstats", type=PATH, help="What virsh domstats DOMAIN --dirtyrate prints.")
@click.option(
    "--out", type=PATH, required=True, help="Write the sets as W.yaml, which `workload: {from: W.yaml}` reads."
)
@click.option(
    "--ipc",
    type=click.FloatRange(0, min_open=True),
    help="Instructions a cycle of a trace without times.  [default: 1]",
)
@click.option("--clock", "clock_hz", metavar="F", type=Quantity("FREQUENCY"), help="Its clock.  [default: 3.5 GHz]")
@click.option("--holdout", is_flag=True, default=None, help="Fit one half of the trace, and judge by the other.")
@click.option(
    "--in-use", "--memory", "in_use", metavar="SIZE", type=Quantity("SIZE"), help="Memory that rates are spread over."
)
@click.option(
    "--below",
    type=click.Choice(("low", "high")),
    help="End of what is possible in windows shorter than a rate's.  [default: low]",
)
@click.option("--accept", is_flag=True, help="Exit with 0 and write the sets even if an error is greater than 10 %.")
@click.option("--json", "as_json", is_flag=True, help="Print the points as a list in JSON.")
@click.pass_context
def command(context: click.Context, /, out: Path, accept: bool, as_json: bool, **given: Any) -> None:
    """Fit hot sets to a TRACE, or to dirty rates, and say how well they do.

    Prints how many units of 64 B, 128 B and 4 KiB are modified in windows, as recorded and by the sets. Exits with 1,
    and writes nothing, if they are more than 10 % off in any window, unless that is accepted.
    """
    require_file_writable(out, "--out")
    with counted_bar("fitting") as progress:
        found = _found(progress, **given)
    _print(found, as_json=as_json)
    if not found.good and not accept:
        complain(f"{out}: not written: the greatest error is {found.worst.error:+.1%}; give --accept to have it so")
        context.exit(POOR)
    found.write(out)


def _found(
    progress: Any,
    trace: Path | None,
    dirty_rates: tuple[str, ...],
    qmp: Path | None,
    domstats: Path | None,
    **given: Any,
) -> "Fit":
    from vmfailover.studies.fit import fit_rates, fit_trace

    sources = [each for each in (trace, dirty_rates, qmp, domstats) if each]
    if len(sources) != 1:
        raise click.UsageError("Give one of TRACE, --dirty-rate, --qmp and --domstats.")
    told = {name: value for name, value in given.items() if value is not None}
    _refuse(told, _OF_RATES if trace else _OF_TRACES, "rates" if trace else "a trace")
    if trace:
        return fit_trace(trace, progress=progress, **told)
    if "in_use" not in told:
        raise click.UsageError("A rate does not tell over how much memory it is spread: give --in-use.")
    return fit_rates(
        _rates(dirty_rates, qmp, domstats), source=str((qmp or domstats or Path("dirty rates")).name), **told
    )


def _refuse(told: dict[str, Any], names: tuple[str, ...], owner: str) -> None:
    from vmfailover.cli.options import option_of

    for name in names:
        if name in told:
            raise click.UsageError(f"{option_of(name)} belongs to {owner}.")


def _rates(dirty_rates: tuple[str, ...], qmp: Path | None, domstats: Path | None) -> "list[DirtyRate]":
    from vmfailover.studies.fit import DirtyRate, from_domstats, from_qmp

    if qmp:
        return from_qmp(qmp)
    return from_domstats(domstats) if domstats else [DirtyRate.parse(each) for each in dirty_rates]


def _print(found: "Fit", *, as_json: bool) -> None:
    if as_json:
        click.echo(found.to_json())
        for note in found.notes:
            click.echo(note, err=True)
        return
    from vmfailover.report.fit_table import print_fit

    print_fit(found, console())
