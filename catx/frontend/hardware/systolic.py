"""Template `systolic`: one or more systolic arrays behind a shared buffer and DRAM.

Weight stationary: rows add partial sums on their way down a column, and each column ends in accumulators.
Output stationary: every element keeps its own partial sum; rows take output rows, columns output columns.
"""

from typing import Any, Literal

from pydantic import Field

from catx.frontend.hardware.check import default_accumulator
from catx.frontend.hardware.fields import ACROSS, BareRate, Count
from catx.frontend.hardware.template import (
    General,
    TemplateSpec,
    dram_level,
    head,
    per_cycle,
    size,
    storage,
    write_rate,
)
from catx.ir.dtype import DType
from catx.units import Rate, parse_quantity

CLOCK, NODE, DRAM = "1 GHz", "22 nm", "4 GB"
DRAM_BANDWIDTH = "25.6 GB/s"
"""One 64-bit channel of LPDDR4-3200."""


NARROWEST_WORD = 8
"""Narrowest words of most SRAM macros in the component library [byte]."""


class SystolicSpec(TemplateSpec):
    """Keys of `template: systolic`."""

    template: Literal["systolic"]
    rows: Count
    columns: Count
    arrays: Count = Field(1, description="equal arrays that share the buffer, default 1")
    dataflow: Literal["weight_stationary", "output_stationary"] = "weight_stationary"
    buffer_kib: Count = Field(description="the shared buffer [KiB]")
    buffer_bandwidth: BareRate | None = Field(
        None, description="reads, and as many writes; default: what feeds the rows and drains the columns"
    )
    accumulator_depth: Count = Field(
        1024, description="weight stationary: partial sums per column, default 1024"
    )
    vector_lanes: Count | None = Field(None, description="default: the columns of all arrays")


def expand_systolic(spec: SystolicSpec) -> General:
    """The general form of systolic arrays."""
    element = DType(spec.precision).bits / 8
    total = default_accumulator(DType(spec.precision)).bits / 8
    name = f"systolic-{spec.arrays}x{spec.rows}x{spec.columns}"
    general = head(spec, name=name, clock=CLOCK, node=NODE, dram=DRAM)
    feed = Rate((spec.rows + spec.columns) * element * spec.arrays, per_cycle=True)
    rate = spec.buffer_bandwidth or feed
    clock = spec.clock or parse_quantity(CLOCK, "frequency")
    stationary = spec.dataflow == "weight_stationary"
    array = _weight_stationary(spec, element, total) if stationary else _output_stationary(spec, total)
    arrays = {"name": "array", "size": spec.arrays, "reduces": False}
    general["levels"] = [
        dram_level(spec, dram="lpddr4", bandwidth=DRAM_BANDWIDTH),
        {
            "memory": "buffer",
            "capacity": size(spec.buffer_kib * 2**10),
            "read_bandwidth": write_rate(rate),
            "write_bandwidth": write_rate(rate),
            "double_buffered": True,
            "component": storage(spec.buffer_kib * 2**10, 2 * rate.bytes_per_cycle(clock)),
        },
        *([{"fanout": "arrays", "axes": [arrays], "wire": ACROSS}] if spec.arrays > 1 else []),
        *array,
    ]
    general["compute"] = {
        "matrix": {
            "rates": {spec.precision: {}},
            "component": "mac",
            "pipeline_cycles": spec.rows + spec.columns - 1,
        },
        "vector": {
            "memory": "buffer",
            "lanes": spec.vector_lanes or spec.columns * spec.arrays,
            "component": "vector_lane",
        },
    }
    return general


def _weight_stationary(spec: SystolicSpec, element: float, total: float) -> list[dict[str, Any]]:
    depth = spec.accumulator_depth * total
    return [
        {
            "fanout": "columns",
            "axes": [{"name": "column", "size": spec.columns, "dims": ["weight_output"]}],
            "wire": ACROSS,
        },
        {
            "memory": "accumulators",
            "capacity": size(depth),
            "read_bandwidth": per_cycle(total),
            "write_bandwidth": per_cycle(total),
            "keeps": ["output"],
            "double_buffered": True,
            "component": storage(depth, 2 * total, max(NARROWEST_WORD, int(2 * total))),
        },
        {"fanout": "rows", "axes": [{"name": "row", "size": spec.rows, "dims": ["reduction"]}]},
        _register("weight", element),
    ]


def _output_stationary(spec: SystolicSpec, total: float) -> list[dict[str, Any]]:
    rows = {"name": "row", "size": spec.rows, "dims": ["input_output"]}
    columns = {"name": "column", "size": spec.columns, "dims": ["weight_output"]}
    return [{"fanout": "array", "axes": [rows, columns], "wire": ACROSS}, _register("output", total)]


def _register(role: str, width: float) -> dict[str, Any]:
    """One element per processing element, and a second one that is filled or drained meanwhile."""
    return {
        "memory": "registers",
        "capacity": size(2 * width),
        "bandwidth": "unlimited",
        "keeps": [role],
        "double_buffered": True,
        "component": "register",
    }
