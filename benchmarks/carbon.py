"""Sheets of carbon: one design, Monte Carlo and a comparison, beside the same samples one by one.

python -m benchmarks.carbon [--samples 10000]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from benchmarks.measure import show, show_machine
from catx.costmodel.carbon import SCENARIOS, InferenceEnergy, carbon_report
from catx.costmodel.carbon.compare import probability_better
from catx.costmodel.carbon.formulas import solve
from catx.costmodel.carbon.uncertainty import draw, simulate, uncertainty
from catx.frontend.hardware import load_accelerator

TOTAL = "total_gco2e"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=10_000)
    samples = parser.parse_args().samples
    show_machine()
    machine, scenario = load_accelerator("edge"), SCENARIOS["edge-default"]
    energy = InferenceEnergy(dram_j=0.02, memory_j=0.01, compute_j=0.01, static_j=0.001)
    sheet = carbon_report(machine, energy, 0.01, scenario).sheet
    other = carbon_report(load_accelerator("simba_like"), energy, 0.01, scenario).sheet
    few = max(1, samples // 20)
    drawn = draw(sheet, few)

    def one_by_one() -> list[float]:
        inputs = [{name: float(values[at]) for name, values in drawn.items()} for at in range(few)]
        return [float(solve(sheet, given)[TOTAL]) for given in inputs]

    together = simulate(sheet, [TOTAL], few)[TOTAL]
    assert np.allclose(one_by_one(), together, rtol=1e-12)
    loop_s = best(one_by_one) * samples / few
    vector_s = best(lambda: simulate(sheet, [TOTAL], samples))
    rows = [
        (
            "a sheet, written and computed",
            ms(best(lambda: carbon_report(machine, energy, 0.01, scenario))),
            "",
        ),
        (f"{samples:,} samples of the total", ms(vector_s), f"{loop_s / vector_s:,.0f} x"),
        ("the same with percentiles and tornado", ms(best(lambda: uncertainty(sheet, samples))), ""),
        (
            "P(A is better than B)",
            ms(best(lambda: probability_better(sheet, other, TOTAL, samples, 1))),
            "",
        ),
        (f"one by one (from {few:,})", ms(loop_s), "1 x"),
    ]
    show(f"Carbon of `edge`, a sheet of {len(sheet.rows)} rows", ("", "time", "speed"), rows)


def best(work: Callable[[], object], times: int = 5) -> float:
    """The quickest run [s]."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def ms(seconds: float) -> str:
    """Milliseconds."""
    return f"{seconds * 1e3:,.2f} ms"


if __name__ == "__main__":
    main()
