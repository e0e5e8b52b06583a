"""Run AccelForge's mapper on matmuls, in an environment that has it: run.py MACHINE.yaml JOBS.

JOBS are JSON, a list of {batch, m, k, n, space}. The last line of the output is JSON: AccelForge's version,
and per job the least EDP's energy [J] and latency [s], and the CPU time of its search [s], all in this
process.
"""

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import accelforge
from accelforge.mapper.FFM import join_pmappings, make_pmappings
from accelforge.model.main import evaluate_mapping

OPTIONS: dict[str, dict[str, Any]] = {
    "perfect": {},
    "imperfect_coarse2": {
        "explore_imperfect_spatial_loops": True,
        "explore_imperfect_temporal_loops": True,
        "tiling_coarseness": 2,
    },
    "bypass_perfect": {},
}
"""What map spaces set beside the mapper's defaults; `bypass_perfect` lets tensors skip buffers instead."""


def workload(job: dict[str, Any]) -> str:
    """The matmul as a workload file; JSON is YAML."""
    dims = {dim: job[name] for dim, name in zip("bmkn", ("batch", "m", "k", "n"), strict=True)}
    b = ["b"] if job["batch"] > 1 else []
    accesses = [
        {"name": "A", "projection": [*b, "m", "k"]},
        {"name": "B", "projection": [*b, "k", "n"]},
        {"name": "C", "projection": [*b, "m", "n"], "output": True},
    ]
    einsum = {
        "name": "Matmul",
        "tensor_accesses": accesses,
        "renames": {"input": "A", "weight": "B", "output": "C"},
    }
    shape = {dim: f"0 <= {dim} < {dims[dim]}" for dim in (*b, "m", "k", "n")}
    return json.dumps(
        {
            "workload": {
                "iteration_space_shape": shape,
                "bits_per_value": {"All": 8},
                "einsums": [einsum],
            }
        }
    )


def solve(job: dict[str, Any], machine: str, folder: Path) -> dict[str, float]:
    """Map one matmul."""
    path = folder / "workload.yaml"
    path.write_text(workload(job), encoding="utf-8")
    start = time.process_time()
    keep = "Nothing" if job["space"].startswith("bypass") else "All"
    spec = accelforge.Spec.from_yaml(machine, path, jinja_parse_data={"buffers_keep": keep})
    spec.mapper.metrics = accelforge.Metrics.ENERGY_DELAY_PRODUCT
    for name, value in OPTIONS[job["space"]].items():
        setattr(spec.mapper, name, value)
    # The steps of `map_workload_to_arch`, but for the drawing of the mapping, which needs Graphviz.
    parts = make_pmappings(spec, print_progress=False)
    found = join_pmappings(parts, metrics=spec.mapper.metrics, print_progress=False)
    spec.model.metrics = spec.mapper.info_metrics
    spec.mapping = found.data.iloc[0]["Total<SEP>mapping"](_for_model=True)
    best = evaluate_mapping(
        spec, flattened_arches=found.flattened_arches, evaluated_specs=found.evaluated_specs
    ).data.iloc[0]
    return {
        "energy_j": float(best["Total<SEP>energy"]),
        "latency_s": float(best["Total<SEP>latency"]),
        "cpu_s": time.process_time() - start,
    }


def main() -> None:
    """Read jobs, print answers."""
    accelforge.set_n_parallel_jobs(1)
    jobs = json.loads(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        answers = [solve(job, sys.argv[1], Path(folder)) for job in jobs]
    print("\n" + json.dumps({"version": version("accelforge"), "answers": answers}))


if __name__ == "__main__":
    main()
