"""The search by hand: `python -m tests.fuzz --first 0 --count 3000 --jobs 2`, from the project's root."""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from pathlib import Path

from .campaign import DIES, HASH_SEED, JOBS, Finding, Outcome, search
from .minimiser import write_smallest
from .trial import kind_of

#: A law, and the way in which it is broken.
Kind = tuple[str, str]

#: Findings of a kind that are made smaller; the others are as a rule the same again.
MINIMISED = 1


class Teller:
    """Tells of findings as they come, and now and then of how far the search is."""

    def __init__(self, count: int) -> None:
        """Expect so many outcomes."""
        self._count = count
        self._began = time.monotonic()
        self._seeds: set[int] = set()
        self.outcomes: list[Outcome] = []

    def __call__(self, outcome: Outcome) -> None:
        """Tell of an outcome."""
        self.outcomes.append(outcome)
        self._seeds.add(outcome.seed)
        for finding in outcome.findings:
            print(finding, flush=True)
        if len(self._seeds) % 100 == 0 and outcome.digest:
            elapsed = time.monotonic() - self._began
            print(f"{len(self._seeds)} of {self._count} after {elapsed:.0f} s", file=sys.stderr, flush=True)

    def by_kind(self) -> dict[Kind, list[Finding]]:
        """Return the findings by the law that they break and the way they do, what is broken most often first."""
        found: dict[Kind, list[Finding]] = defaultdict(list)
        for outcome in self.outcomes:
            for finding in outcome.findings:
                found[finding.law, kind_of(finding.text)].append(finding)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def main(arguments: list[str] | None = None) -> int:
    """Search, tell what is found, and return 1 if anything is."""
    options = _options(arguments)
    seeds = options.seeds or range(options.first, options.first + options.count)
    teller = Teller(len(seeds))
    search(seeds, options.jobs, teller)
    found = teller.by_kind()
    _summarise(teller, found)
    if options.minimise is not None:
        for findings in found.values():
            _minimise(findings, options.minimise)
    return 1 if found else 0


def _options(arguments: list[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.fuzz", description="Search for laws that legal scenarios break.")
    parser.add_argument("--first", type=int, default=0, help="the first number; a scenario depends on its own alone")
    parser.add_argument("--count", type=int, default=300, help="how many numbers")
    parser.add_argument("--seeds", type=int, nargs="+", help="these numbers instead")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--minimise", type=Path, metavar="FOLDER", help="write small scenarios that break a law there")
    return parser.parse_args(arguments)


def _summarise(teller: Teller, found: dict[Kind, list[Finding]]) -> None:
    runs = [outcome for outcome in teller.outcomes if outcome.seconds]
    seconds = sorted(outcome.seconds for outcome in runs) or [0.0]
    refused = sum(outcome.refused for outcome in runs)
    print(
        f"{len(runs)} runs of {seconds[len(seconds) // 2]:.2f} s in the median, {seconds[-1]:.1f} s at most; ", end=""
    )
    print(f"{refused} scenarios were refused and drawn again")
    for (law, kind), findings in found.items():
        broken_by = sorted({finding.seed for finding in findings})
        print(f"{law}, {kind}: {len(broken_by)} scenarios: {', '.join(map(str, broken_by[:12]))}")
    if not found:
        print("every law holds")


def _minimise(findings: list[Finding], folder: Path) -> None:
    """Write the smallest scenarios for the first of some findings that are alike."""
    for finding in findings[:MINIMISED]:
        if finding.law not in (DIES, HASH_SEED, JOBS):
            print(write_smallest(finding.seed, finding.law, finding.text, folder), flush=True)


if __name__ == "__main__":
    sys.exit(main())
