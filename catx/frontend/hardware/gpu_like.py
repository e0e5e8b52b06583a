"""Template `gpu_like`: streaming multiprocessors with tensor cores, L1, a shared L2 and stacked DRAM."""

from typing import Literal

from pydantic import Field

from catx.frontend.hardware.fields import ACROSS, BareRate, Count, DTypeName, Positive, Power
from catx.frontend.hardware.spec import Spec
from catx.frontend.hardware.template import (
    General,
    TemplateSpec,
    dram_level,
    head,
    size,
    storage,
    write_rate,
)
from catx.units import Rate, format_quantity, parse_quantity

CLOCK, NODE, DRAM = "1410 MHz", "7 nm", "40 GB"
DRAM_BANDWIDTH = "1555 GB/s"
L1_BANDWIDTH = Rate(128.0, per_cycle=True)
"""Defaults are those of an A100 40 GB (NVIDIA A100 whitepaper, 2020); L1: 32 banks of 4 bytes."""


class TensorCore(Spec):
    """Multiply-accumulates of one tensor core in a cycle: m x k times k x n."""

    m: Count
    n: Count
    k: Count


class GpuLikeSpec(TemplateSpec):
    """Keys of `template: gpu_like`."""

    template: Literal["gpu_like"]
    precision: DTypeName = Field("fp16", description="element type, default fp16")
    sms: Count = Field(description="streaming multiprocessors")
    tensor_cores: Count = Field(4, description="per multiprocessor, default 4")
    tensor_core: TensorCore = Field(description="what one computes in a cycle")
    rates: dict[DTypeName, Positive] = Field(
        {}, description="speed-up of other element types, such as int8: 2; default none"
    )
    register_kib: Count = Field(64, description="register file of each tensor core [KiB], default 64")
    l1_kib: Count = Field(description="L1 and shared memory of each multiprocessor [KiB]")
    l1_bandwidth: BareRate | None = Field(None, description="default 128 B/cycle")
    l2_mib: Count
    l2_bandwidth: BareRate
    vector_lanes: Count = Field(64, description="per multiprocessor, default 64")
    idle_power: Power | None = Field(None, description="constant power of the whole board")


def expand_gpu_like(spec: GpuLikeSpec) -> General:
    """The general form of a GPU."""
    general = head(spec, name=f"gpu-{spec.sms}", clock=CLOCK, node=NODE, dram=DRAM)
    clock = spec.clock or parse_quantity(CLOCK, "frequency")
    dram = dram_level(spec, dram="hbm2", bandwidth=DRAM_BANDWIDTH)
    if spec.idle_power is not None:
        dram["static_power"] = format_quantity(spec.idle_power, "power")
    core = spec.tensor_core
    general["levels"] = [
        dram,
        _buffer("L2", spec.l2_mib * 2**20, spec.l2_bandwidth, clock),
        {
            "fanout": "multiprocessors",
            "axes": [{"name": "sm", "size": spec.sms, "reduces": False}],
            "wire": ACROSS,
        },
        _buffer("L1", spec.l1_kib * 2**10, spec.l1_bandwidth or L1_BANDWIDTH, clock)
        | {"optional": ["output"]},
        {
            "fanout": "tensor_cores",
            "axes": [{"name": "core", "size": spec.tensor_cores, "reduces": False}],
            "wire": ACROSS,
        },
        {
            "memory": "registers",
            "capacity": size(spec.register_kib * 2**10),
            "bandwidth": "unlimited",
            "double_buffered": True,
            "component": {"class": "sram", "width": "128 B"},
        },
        {
            "fanout": "tensor_core",
            "axes": [
                {"name": "m", "size": core.m, "dims": ["input_output"]},
                {"name": "n", "size": core.n, "dims": ["weight_output"]},
                {"name": "k", "size": core.k, "dims": ["reduction"]},
            ],
            "wire": ACROSS,
        },
    ]
    general["compute"] = _compute(spec)
    return general


def _compute(spec: GpuLikeSpec) -> General:
    rates = {spec.precision: 1.0} | spec.rates
    return {
        "matrix": {
            "rates": {name: {"macs_per_cycle": rate} for name, rate in rates.items()},
            "component": "mac",
        },
        "vector": {
            "memory": "L1",
            "lanes": spec.vector_lanes * spec.sms,
            "component": "vector_lane",
        },
    }


def _buffer(name: str, capacity: float, rate: Rate, clock: float) -> General:
    """A buffer with one port for reads and writes; a fill overlaps with use in half of it."""
    return {
        "memory": name,
        "capacity": size(capacity),
        "bandwidth": write_rate(rate),
        "double_buffered": True,
        "component": storage(capacity, rate.bytes_per_cycle(clock)),
    }
