"""Predicted latencies beside those that were measured on an A100 (LLMCompass, ISCA 2024).

    python -m benchmarks.fidelity [--budget 20000]

Matmuls are mapped as a GEMM library does it (64 x 64 results in each tensor core, sums in one core), and
freely; the launch is a measured constant.
"""

import argparse

from benchmarks.measure import show, show_machine
from catx.mapper.options import BUDGET
from tests.oracle.silicon import Compared, matmuls, mean_error, softmaxes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=int, default=BUDGET, help="steps per matmul")
    options = parser.parse_args()
    show_machine()
    library, free = list(matmuls(options.budget)), list(matmuls(options.budget, ()))
    rows = [row(one, other) for one, other in zip(library, free, strict=True)]
    rows.append(("mean of all", "", "", f"{mean_error(library):.1%}", f"{mean_error(free):.1%}"))
    show("Matmuls on an A100", ("", "measured", "as a library", "error", "error, free"), rows)
    found = list(softmaxes())
    rows = [(one.what, us(one.measured_s), us(one.predicted_s), f"{one.error:+.1%}") for one in found]
    rows.append(("mean of all", "", "", f"{mean_error(found):.1%}"))
    show("Softmaxes on an A100", ("", "measured", "predicted", "error"), rows)


def row(library: Compared, free: Compared) -> tuple[str, ...]:
    """One matmul, mapped in both ways."""
    return (
        library.what,
        us(library.measured_s),
        us(library.predicted_s),
        f"{library.error:+.1%}",
        f"{free.error:+.1%}",
    )


def us(seconds: float) -> str:
    """Microseconds."""
    return f"{seconds * 1e6:,.1f} us"


if __name__ == "__main__":
    main()
