"""How far the mapper's proofs go, by the steps that they may take.

    python -m benchmarks.proof [--budgets 0,20000,100000] [--machines edge,edge4]

Every contraction of CLIP ViT-B/16 on built-in machines, on one core, nothing stored: CPU time of search and
proof, how many mappings are proved to be optimal for latency, energy and EDP, and the widest gap to what no
mapping can beat.
"""

import argparse
import time

import catx
from benchmarks.kernel import MODELS, contractions
from benchmarks.measure import empty_store, show, show_machine, warm_up
from catx.frontend.hardware import builtin_accelerators
from catx.mapper.map_einsum import certify, map_front
from catx.mapper.objective import Objective, ObjectiveName

GOALS: tuple[ObjectiveName, ...] = ("latency", "energy", "edp")


def row(name: str, graphs: list[catx.Graph], budget: int) -> tuple[str, ...]:
    """All contractions on one machine with one budget."""
    machine = catx.load_accelerator(name)
    einsums = contractions(graphs, machine)
    start = time.process_time()
    with empty_store():
        fronts = [(einsum, map_front(einsum, machine, budget)) for einsum in einsums]
    spent = time.process_time() - start
    cells = []
    for goal in GOALS:
        known = [certify(einsum, machine, Objective(goal), front) for einsum, front in fronts]
        proved = sum(certificate.status == "proved" for certificate in known)
        cells.append(f"{proved} of {len(known)}, {max(certificate.gap for certificate in known):.1%}")
    points = sum(len(front.points) for _, front in fronts)
    return (name, f"{budget:,}", f"{spent:.1f} s", f"{points}", *cells)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budgets", default="0,20000,100000", help="steps per contraction")
    parser.add_argument("--machines", default=",".join(name for name, _, _ in builtin_accelerators()))
    options = parser.parse_args()
    show_machine()
    warm_up()
    graphs = [catx.load_model(model) for model in MODELS]
    show(
        "Proofs: contractions of CLIP ViT-B/16 that are proved, and the widest gap",
        ("machine", "budget", "CPU", "points", "latency", "energy", "EDP"),
        [
            row(name, graphs, int(budget))
            for name in options.machines.split(",")
            for budget in options.budgets.split(",")
        ],
        ["a step is a partial nest, a box of extents or a bound of an unrolling; points are of all fronts"],
    )


if __name__ == "__main__":
    main()
