"""Template `catransformers`: the hardware space of the CATransformers paper (arXiv 2505.01386).

Clusters, each with an array of `pe_width` x `pe_depth` processing elements, as many vector lanes as the
array is wide, and a local buffer (L2); one global buffer (GLB) and DRAM for all. The paper's mapper unrolls
any dim over any axis of the array; here rows (`pe_depth`) add up partial sums, columns take any dim.
"""

from typing import Any, Literal

from pydantic import Field

from catx.costmodel.components.catransformers import (
    catransformers_area_mm2,
    catransformers_dram,
    catransformers_mac,
    catransformers_registers,
    catransformers_sram,
    effective_l2_kib,
)
from catx.costmodel.components.numbers import ComponentNumbers
from catx.errors import SpecError
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
from catx.ir.einsum import ROLES
from catx.units import format_quantity, parse_quantity

CLOCK, NODE, DRAM = "625 MHz", "22 nm", "1 GB"
"""The paper's constants (code, commit ad8c859)."""

DRAM_BANDWIDTH = "80 GB/s"
"""128 words of 1 byte per cycle at 625 MHz, in the paper's code."""

GLB_BYTES_PER_CYCLE = 512.0
"""Reads, and as many writes, in the paper's code."""

REGISTER_BYTES = 32
"""Registers of each processing element, in the paper's code."""


class CATransformersSpec(TemplateSpec):
    """Keys of `template: catransformers`."""

    template: Literal["catransformers"]
    clusters: Count = Field(description="matrix cores, each with a vector core")
    pe_width: Count = Field(description="columns of each array, and vector lanes of each cluster")
    pe_depth: Count = Field(description="rows of each array")
    l2_kib: Count = Field(description="local buffer of each cluster [KiB]")
    l2_bandwidth: BareRate = Field(
        description="of each cluster's L2, reads and writes each; 64 is 64 B/cycle"
    )
    glb_mib: Count = Field(description="global buffer [MiB]")
    dataflow: Literal["flexible", "weight_stationary"] = Field(
        "flexible", description="columns take any dim, or only dims of weights and outputs"
    )
    register_bytes: Count = Field(REGISTER_BYTES, description="registers of each element, default 32")
    components: Literal["catx", "catransformers"] = Field(
        "catx", description="whose area and energy: catx's library, or the paper's tables (parity)"
    )


def expand_catransformers(spec: CATransformersSpec) -> General:
    """The general form of a point of the paper's space."""
    if spec.components == "catransformers":
        return _parity(spec)
    general = _general(spec, spec.l2_kib)
    l2_rate = 2 * spec.l2_bandwidth.bytes_per_cycle(spec.clock or parse_quantity(CLOCK, "frequency"))
    components: dict[str, Any] = {
        "GLB": storage(spec.glb_mib * 2**20, 2 * GLB_BYTES_PER_CYCLE),
        "L2": storage(spec.l2_kib * 2**10, l2_rate),
        "registers": storage(spec.register_bytes, 0.0),
    }
    for level in general["levels"]:
        if "fanout" in level:
            level["wire"] = ACROSS
        elif component := components.get(level["memory"]):
            level |= {"component": component, "double_buffered": level["memory"] != "registers"}
    general["compute"]["matrix"]["component"] = "mac"
    general["compute"]["vector"]["component"] = "vector_lane"
    return general


def _general(spec: CATransformersSpec, l2_kib: int) -> General:
    """Everything but energies, areas and double buffering."""
    name = (
        f"catransformers-{spec.clusters}x{spec.pe_width}x{spec.pe_depth}-l2-{spec.l2_kib}-glb-{spec.glb_mib}"
    )
    general = head(spec, name=name, clock=CLOCK, node=NODE, dram=DRAM)
    l2_rate = write_rate(spec.l2_bandwidth)
    glb_rate = per_cycle(GLB_BYTES_PER_CYCLE)
    columns = ["weight_output"] if spec.dataflow == "weight_stationary" else []
    cluster = {"name": "cluster", "size": spec.clusters, "reduces": False}
    general["levels"] = [
        dram_level(spec, dram="lpddr4", bandwidth=DRAM_BANDWIDTH),
        {
            "memory": "GLB",
            "capacity": size(spec.glb_mib * 2**20),
            "read_bandwidth": glb_rate,
            "write_bandwidth": glb_rate,
            "optional": ["weight"],
        },
        *([{"fanout": "clusters", "axes": [cluster]}] if spec.clusters > 1 else []),
        {
            "memory": "L2",
            "capacity": size(l2_kib * 2**10),
            "read_bandwidth": l2_rate,
            "write_bandwidth": l2_rate,
        },
        {
            "fanout": "array",
            "axes": [
                {"name": "row", "size": spec.pe_depth, "dims": ["reduction"]},
                {"name": "column", "size": spec.pe_width, "dims": columns},
            ],
        },
        {"memory": "registers", "capacity": size(spec.register_bytes), "bandwidth": "unlimited"},
    ]
    vector = {"memory": "L2", "lanes": spec.pe_width * spec.clusters}
    general["compute"] = {"matrix": {"rates": {spec.precision: {}}}, "vector": vector}
    return general


def _parity(spec: CATransformersSpec) -> General:
    """With the paper's tables and what its code assumes.

    Buffers overlap for free, wide arrays get more L2 than was asked for, and inputs, weights and outputs have
    a whole L2 each, of which one is counted in the area (and one more for the vector core).
    """
    if spec.precision != "int8" or (spec.technology.node or 22.0) != 22.0:
        raise SpecError("`components: catransformers` has numbers for int8 at 22 nm alone")
    shape = {"pe_width": spec.pe_width, "pe_depth": spec.pe_depth, "l2_kib": spec.l2_kib}
    l2_kib = effective_l2_kib(**shape)
    general = _general(spec, l2_kib)
    if "overlap_only" not in spec.model_fields_set:
        general["overlap_only"] = True
    area = catransformers_area_mm2(clusters=spec.clusters, glb_mib=spec.glb_mib, **shape)
    numbers = {
        "DRAM": catransformers_dram(),
        "GLB": catransformers_sram(spec.glb_mib * 1024),
        "L2": catransformers_sram(l2_kib),
        "registers": catransformers_registers("matrix"),
    }
    for level in general["levels"]:
        if level.get("memory") in numbers:
            level |= _written(numbers[level["memory"]], dram=level["memory"] == "DRAM")
    general["levels"][0].pop("component")
    general["levels"] = [part for level in general["levels"] for part in _split_l2(level)]
    mac = catransformers_mac()
    energy = format_quantity(mac.j_per_op, "energy")
    general["compute"]["matrix"] |= {
        "rates": {"int8": {"energy": energy}},
        "area": format_quantity(mac.area_mm2, "area"),
        "source": mac.source,
    }
    vector_area = format_quantity(area.vector_mm2 + area.l2_vector_mm2, "area")
    general["compute"]["vector"] |= {
        "memory": "L2_output",
        "energy": energy,
        "area": vector_area,
        "source": mac.source,
    }
    return general


def _split_l2(level: General) -> list[General]:
    """L2 as one memory per role; other levels as they are."""
    if level.get("memory") != "L2":
        return [level]
    parts = [level | {"memory": f"L2_{role}", "keeps": [role]} for role in ROLES]
    return [parts[0], *(part | {"area": "0 mm2"} for part in parts[1:])]


def _written(numbers: ComponentNumbers, *, dram: bool) -> General:
    """Numbers of a memory as keys."""
    keys = {
        "read_energy": format_quantity(numbers.read_j_per_byte, "energy per byte"),
        "write_energy": format_quantity(numbers.write_j_per_byte, "energy per byte"),
        "source": numbers.source,
    }
    return keys if dram else keys | {"area": format_quantity(numbers.area_mm2, "area")}
