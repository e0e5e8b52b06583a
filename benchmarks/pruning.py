"""Accuracy that pruning leaves, by how parts are ranked: the embedded CLIP model, before and after recovery.

    python -m benchmarks.pruning [--seeds 5] [--steps 100]

Half of the heads, or half of the hidden units of the MLPs, go from every block of both towers. A seed draws
the calibration pairs, the random ranking, and the order of training; recall is of the test split.
"""

import argparse
import statistics
import time

from benchmarks.measure import show, show_machine
from catx.frontend.clip import PruningConfig, RecoveryConfig, find_clip, prune, recall, recover
from catx.frontend.clip.digits import digit_pairs
from catx.frontend.clip.importance import METHODS, NEEDS_DATA, rank

HALVES = {
    "half of the heads": PruningConfig(text_heads=2, vision_heads=2),
    "half of the hidden units": PruningConfig(text_ffn=0.5, vision_ffn=0.5),
    "half of both": PruningConfig(text_heads=2, vision_heads=2, text_ffn=0.5, vision_ffn=0.5),
}
CALIBRATION = 800


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="of recovery")
    options = parser.parse_args()
    show_machine()
    whole, train, test = find_clip("digits"), digit_pairs("train"), digit_pairs("test")
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        pairs = train.sample(CALIBRATION, seed)
        for method in METHODS:
            start = time.perf_counter()
            ranking = rank(whole, method, pairs if method in NEEDS_DATA else None, seed=seed)
            seconds.setdefault(method, []).append(time.perf_counter() - start)
            for what, sizes in HALVES.items():
                small = prune(whole, sizes, ranking)
                cut = recall(small, test).mean_at_1
                recover(small, train, RecoveryConfig(steps=options.steps, seed=seed), teacher=whole)
                found.setdefault((what, method), []).append((cut, recall(small, test).mean_at_1))
    for what in HALVES:
        rows = [row(method, found[what, method], seconds[method]) for method in METHODS]
        head = ("ranked by", "recall@1, pruned", "least", f"after {options.steps} steps", "least", "ranking")
        show(f"{what} removed; before {recall(whole, test).mean_at_1:.1%}", head, rows)


def row(method: str, pairs: list[tuple[float, float]], seconds: list[float]) -> tuple[str, ...]:
    """Means with standard deviations over seeds, and the least of them."""
    cut, after = ([pair[at] for pair in pairs] for at in (0, 1))
    return (
        method,
        spread(cut),
        f"{min(cut):.1%}",
        spread(after),
        f"{min(after):.1%}",
        f"{min(seconds):.2f} s",
    )


def spread(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.1%} +- {deviation:.1%}"


if __name__ == "__main__":
    main()
