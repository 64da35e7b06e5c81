"""`vmfailover presets`: the presets with their numbers and sources."""

import click

from vmfailover.errors import InputError
from vmfailover.scenario.detection import DETECTION_PRESETS, Detection
from vmfailover.scenario.presets import HOST_PRESETS, preset_text
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.units import DURATION


@click.command("presets")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the presets, or print the file of the one called NAME: each of its numbers with its source."""
    if name is None:
        for line in _lines():
            click.echo(line)
    elif name in _NAMES:
        click.echo(preset_text(name), nl=False)
    else:
        raise InputError(f"{name}: no such preset; `vmfailover presets` lists them")


_NAMES = (*HOST_PRESETS, *Replication.kinds.presets, *DETECTION_PRESETS)


def _lines() -> list[str]:
    told = [
        *(f"hosts.primary  {name}" for name in HOST_PRESETS),
        *(f"replication    {name}" for name in Replication.kinds.presets),
        *(f"detection      {name:17} {_timers(name)}" for name in DETECTION_PRESETS),
    ]
    return [*told, "`vmfailover presets NAME` prints each number with its source."]


def _timers(name: str) -> str:
    spec = Detection.model_validate({"preset": name})
    return f"{spec.kind}: " + ", ".join(f"{stage.name} {DURATION.format(stage.longest_ns)}" for stage in spec.stages)
