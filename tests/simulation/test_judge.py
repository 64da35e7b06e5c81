"""The judge: images are held against the program as they are applied, and outputs against what was taken over."""

from scenarios_for_tests import small

from vmfailover.hardware.cache.state import Counter
from vmfailover.simulation import Simulation

#: A line that the guest of the small scenarios never writes: the last but the network's buffers.
UNWRITTEN = -1


def broken(simulation: Simulation) -> dict[str, str]:
    return {verdict.name: verdict.detail for verdict in simulation.result().verdicts if not verdict.holds}


def test_an_image_that_was_wrong_for_one_epoch_is_not_forgotten() -> None:
    simulation = Simulation(small("base"))
    simulation.run("apply")
    image = simulation.cluster.secondary.host.memory.versions
    image[UNWRITTEN] += 1
    simulation.run("apply")
    image[UNWRITTEN] -= 1
    simulation.run()
    assert broken(simulation) == {"image": f"1 lines differ from what epoch 1 left in them: {image.size - 1}"}


def test_an_image_that_becomes_right_again_before_it_is_applied_was_never_wrong() -> None:
    simulation = Simulation(small("base"))
    simulation.run("apply")
    image = simulation.cluster.secondary.host.memory.versions
    image[UNWRITTEN] += 1
    simulation.step()
    image[UNWRITTEN] -= 1
    simulation.run()
    assert broken(simulation) == {}


def test_a_dirty_row_that_vanished_is_told_with_its_host_and_the_counts() -> None:
    simulation = Simulation(small("base", failures=[]))
    simulation.run("2 ms")
    processor = simulation.cluster.primary.host.processor
    processor.state.counters[Counter.DIRTIED] += 1
    told = broken(simulation)["dirty_lines_balance"]
    dirtied, written = processor.count(Counter.DIRTIED), processor.count(Counter.WRITEBACKS)
    assert told == f"primary: {dirtied} rows dirtied, {written} written back, {processor.dirty_rows} dirty"


def test_answers_of_a_vm_that_begins_anew_are_lost_and_those_that_were_committed_are_not() -> None:
    for variant in ("cold-restart", "base", "output-compare"):
        simulation = Simulation(small(variant))
        simulation.run()
        answers = len(simulation.cluster.pairs[0].releases)
        assert answers > 0
        assert simulation.result().metrics["loss.outputs"] == (answers if variant == "cold-restart" else 0)
