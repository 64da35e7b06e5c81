"""Mutation testing by hand: `python -m tests.mutation --count 300 --jobs 2`, from the project's root."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from .covering import TestFile, measured
from .mutants import Mutant, draw
from .trial import Outcome, Verdict, copy_of, tried

ROOT = Path(__file__).parents[2]
PACKAGES = ("hardware", "guest", "replication", "failover", "audit")


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants that were not tried before, and tell the score of all that were drawn and the survivors."""
    options = _options(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    mutants = draw(ROOT, options.packages, options.count, options.seed)
    files, known = _covering_files(options.folder), _known(options.folder)
    untried = [mutant for mutant in mutants if mutant.name not in known]
    with (options.folder / "verdicts.jsonl").open("a") as journal:
        for verdict in _verdicts(untried, files, options):
            known[verdict.name] = verdict
            print(json.dumps(asdict(verdict), ensure_ascii=False), file=journal, flush=True)
            print(f"{verdict.outcome:10} {verdict.name}  ({verdict.by})", flush=True)
    _summarise([known[mutant.name] for mutant in mutants])
    return 0


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="mutants to draw (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="mutants tried at a time (default: 1)")
    parser.add_argument("--seconds", type=float, default=90, help="of tests that a mutant has to survive (default: 90)")
    parser.add_argument(
        "--packages", nargs="+", default=PACKAGES, help=f"of vmfailover (default: {' '.join(PACKAGES)})"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "out" / "mutation",
        help="where what is covered and verdicts are kept, so that a run goes on where one was ended; use a new one, "
        "or remove covering.jsonl, after a change of tests (default: out/mutation)",
    )
    return parser.parse_args(arguments)


def _covering_files(folder: Path) -> list[TestFile]:
    """Return what test files cover, found out once for a folder."""
    journal = folder / "covering.jsonl"
    files = [TestFile(**row) for row in _rows(journal)]
    with copy_of(ROOT) as root, journal.open("a") as out:
        for file in measured(root, {(each.path, each.interpreted) for each in files}):
            files.append(file)
            print(json.dumps(asdict(file)), file=out, flush=True)
            print(f"{file.seconds:6.1f} s  {file.path}", file=sys.stderr)
    return files


def _known(folder: Path) -> dict[str, Verdict]:
    verdicts = (Verdict(row["name"], Outcome(row["outcome"]), row["by"]) for row in _rows(folder / "verdicts.jsonl"))
    return {each.name: each for each in verdicts}


def _rows(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def _verdicts(mutants: list[Mutant], files: list[TestFile], options: Namespace) -> Iterator[Verdict]:
    """Try mutants, so many at a time as there are jobs, each job in a copy of its own."""
    with ExitStack() as stack:
        free: SimpleQueue[Path] = SimpleQueue()
        for _ in range(options.jobs):
            free.put(stack.enter_context(copy_of(ROOT)))

        def in_a_copy(mutant: Mutant) -> Verdict:
            root = free.get()
            try:
                return tried(root, mutant, files, options.seconds)
            finally:
                free.put(root)

        yield from stack.enter_context(ThreadPoolExecutor(options.jobs)).map(in_a_copy, mutants)


def _summarise(verdicts: list[Verdict]) -> None:
    noticed = sum(verdict.noticed for verdict in verdicts)
    print(f"\n{noticed} of {len(verdicts)} mutants noticed: {noticed / max(1, len(verdicts)):.0%}")
    for verdict in verdicts:
        if not verdict.noticed:
            print(f"  {verdict.outcome:10} {verdict.name}")


if __name__ == "__main__":
    sys.exit(main())
