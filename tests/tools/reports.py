"""A report made by hand, with everything that a real one has: two models, conv, matmuls, vector ops."""

from functools import cache

from catx.costmodel.evaluate import evaluate
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES, Einsum
from catx.ir.graph import FreeNode, Op
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.operand import Operand, plain_axes
from catx.ir.report import CarbonReport, Certificate, Coverage, Layer, LayerCost, ModelInfo, Report, Traffic
from catx.ir.scenario import Scenario
from catx.ir.sheet import Row, Sheet, Spread
from catx.ir.vector_op import VectorOp
from catx.mapper.front import FrontPoint

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

MACHINE = Accelerator(
    name="hand-made",
    levels=(
        Memory(name="dram", read_bytes_per_cycle=25.6, shared_port=True, read_j_per_byte=32e-12),
        Memory(name="buffer", capacity_bytes=4 * 2**20, read_bytes_per_cycle=256.0, shared_port=True),
        Fanout(name="array", axes=(FanoutAxis(name="rows", size=32), FanoutAxis(name="columns", size=64))),
    ),
    matrix=MatrixUnit(
        name="mac",
        rates=(MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=2e-13, accumulator=DType.INT32),),
    ),
    vector=None,
    clock_hz=1e9,
    technology=Technology(node_nm=22),
)


def matmul(m: int, n: int, k: int) -> Einsum:
    dims = (("m", m), ("n", n), ("k", k))
    names = (("x", "mk"), ("w", "kn"), ("y", "mn"))
    x, w, y = (Operand(name, plain_axes(*axes), DType.INT8) for name, axes in names)
    return Einsum(name=f"fc{n}", op="MatMul", dims=dims, inputs=(x, w), output=y, sources=(f"fc{n}",))


def conv() -> Einsum:
    """A strided 7x7 convolution in one dim of space, three channels."""
    dims = (("f", 64), ("c", 3), ("x", 112), ("s", 7))
    image = Operand("image", ((("c", 1),), (("x", 2), ("s", 1))), DType.INT8)
    taps, out = (
        Operand("taps", plain_axes("f", "c", "s"), DType.INT8),
        Operand("out", plain_axes("f", "x"), DType.INT8),
    )
    return Einsum(name="conv1", op="Conv", dims=dims, inputs=(image, taps), output=out)


def softmax() -> VectorOp:
    rows = (Operand("scores", plain_axes("a", "b"), DType.INT8),)
    out = (Operand("probabilities", plain_axes("a", "b"), DType.INT8),)
    return VectorOp(
        name="softmax",
        op="Softmax",
        kind="softmax",
        dims=(("a", 2364), ("b", 197)),
        inputs=rows,
        outputs=out,
        reduced=("b",),
    )


def plain_mapping(einsum: Einsum, rows: str, columns: str) -> Mapping:
    """Everything through the buffer, two dims spread over the array, the rest step by step."""
    extents = einsum.extents
    tile = {dim: -(-extents[dim] // size) for dim, size in ((rows, 32), (columns, 64))}
    steps = [Loop(dim, 1) for dim in extents]
    return Mapping(
        (
            *(Store("dram", role) for role in ROLES),
            *(Store("buffer", role) for role in ROLES),
            Loop(rows, tile[rows], "array", "rows"),
            Loop(columns, tile[columns], "array", "columns"),
            *steps,
        )
    )


def mapped(
    einsum: Einsum, rows: str, columns: str, latency_s: float, energy_j: float, bound_by: str
) -> LayerCost:
    mapping = plain_mapping(einsum, rows, columns)
    gap = 0.0 if bound_by == "mac" else 0.031
    return LayerCost(
        latency_s=latency_s,
        energy_j=energy_j,
        static_energy_j=energy_j / 16,
        bound_by=bound_by,
        utilization=einsum.macs / (2048e9 * latency_s),
        roofline_s=latency_s / 2,
        traffic=(
            Traffic(memory="dram", read_bytes=741_120.0, write_bytes=151_296.0),
            Traffic(memory="buffer", read_bytes=9_437_184.5, write_bytes=1_048_576.0),
        ),
        energy_by_part_j=(
            ("dram", energy_j / 2),
            ("buffer", energy_j / 4),
            ("mac", energy_j * 3 / 16),
        ),
        mapped=FrontPoint(mapping, evaluate(einsum, mapping, MACHINE)),
        certificate=Certificate(
            status="gap" if gap else "proved",
            gap=gap,
            bound=energy_j * latency_s,
            evaluated=1234,
            visited=56,
            mapspace=einsum.macs**5,
        ),
    )


def on_lanes(latency_s: float, energy_j: float) -> LayerCost:
    return LayerCost(
        latency_s=latency_s,
        energy_j=energy_j,
        static_energy_j=0.0,
        bound_by="dram",
        utilization=0.25,
        roofline_s=latency_s,
        traffic=(Traffic(memory="dram", read_bytes=931_416.0, write_bytes=465_708.0),),
        energy_by_part_j=(("dram", energy_j),),
    )


def block_names(last: str, blocks: int = 12) -> tuple[str, ...]:
    return tuple(f"/visual/transformer/resblocks.{i}/{last}" for i in range(blocks))


SCENARIO = Scenario(
    name="edge-default",
    inferences=30e6,
    lifetime_years=3.0,
    grid_gco2e_per_kwh=481.0,
    fab_gco2e_per_kwh=642.0,
    abatement_percent=97,
    fab_yield=0.875,
    packaging_gco2e=150.0,
    sources=(("inferences", "a paper"), ("fab_yield", "a default")),
)


def _rows() -> tuple[Row, ...]:
    given = {
        "die_gco2e": (504.4, "the accelerator"),
        "packaging_gco2e": (150.0, "a table"),
        "dram_gco2e": (210.3, "a table"),
        "static_w": (0.05, "the accelerator"),
        "idle_share": (0.0, "power gated"),
        "idle_s": (9.3e7, "the life"),
        "gco2e_per_j": (1.34e-4, "a grid"),
        "inferences": (30e6, "a paper"),
        "operational_gco2e": (1234.5, "a sum"),
        "idle_gco2e": (0.0, "a sum"),
        "operational_per_inference_gco2e": (4.115e-5, "a sum"),
        "embodied_per_inference_gco2e": (7.2e-8, "a sum"),
        "while_it_runs_gco2e": (4.1222e-5, "a sum"),
        "training_share_gco2e": (0.0, "none"),
        "busy_share": (0.01, "a sum"),
    }
    rows = [Row(name=name, unit="", value=value, source=source) for name, (value, source) in given.items()]
    spread = Spread(shape="triangular", low=0.9, high=1.1, key="grid", source="a guess")
    rows.append(Row(name="grid_gco2e_per_kwh", unit="gCO2e/kWh", value=481.0, source="a map", spread=spread))
    for name, formula, value in (
        ("embodied_gco2e", "die_gco2e + packaging_gco2e + dram_gco2e", 864.7),
        ("total_gco2e", "embodied_gco2e + operational_gco2e + training_share_gco2e", 2099.2),
        ("total_per_inference_gco2e", "total_gco2e / inferences", 2099.2 / 30e6),
    ):
        rows.append(Row(name=name, unit="gCO2e", value=value, formula=formula))
    return tuple(rows)


CARBON = CarbonReport(
    embodied_by_part_gco2e=(("die", 504.4), ("packaging", 150.0), ("dram", 210.3)),
    sheet=Sheet(_rows()),
)


@cache
def report() -> Report:
    """The report."""
    layers = (
        layer(0, conv(), ("/conv1/Conv",), mapped(conv(), "f", "x", 9.1e-7, 1.2e-7, "dram")),
        layer(
            0,
            matmul(197, 768, 768),
            block_names("attn/out_proj/MatMul"),
            mapped(matmul(197, 768, 768), "k", "n", 9.7e-5, 3.1e-5, "mac"),
        ),
        layer(
            0,
            matmul(197, 2304, 768),
            block_names("attn/in_proj/MatMul"),
            mapped(matmul(197, 2304, 768), "k", "n", 3.3e-4, 9.9e-5, "mac"),
        ),
        layer(0, softmax(), block_names("attn/Softmax"), on_lanes(5.5e-5, 4.5e-6)),
        layer(
            1,
            matmul(77, 512, 512),
            ("fc/MatMul",),
            mapped(matmul(77, 512, 512), "k", "n", 1.7e-5, 8.1e-6, "buffer"),
        ),
        layer(1, softmax(), ("Softmax_3",), on_lanes(2.5e-6, 1.1e-7)),
    )
    return Report(
        accelerator=MACHINE.name,
        accelerator_sha256=SHA,
        objective="edp",
        schedule="sequential",
        version="0.1.0",
        models=(
            model(
                "vision",
                38,
                (FreeNode("Reshape_1", "Reshape", "view"), FreeNode("Const_2", "Constant", "constant")),
            ),
            model("text", 2, ()),
        ),
        layers=layers,
        latency_s=sum(one.cost.latency_s * one.count for one in layers),
        energy_j=sum(one.cost.energy_j * one.count for one in layers),
        area_mm2=31.99,
        area_by_part_mm2=(("buffer", 6.208), ("mac", 25.782)),
        static_by_part_w=(("dram", 0.05), ("buffer", 0.002)),
        peak_by_part_w=(("dram", 0.6), ("buffer", 0.4), ("mac", 1.2)),
        traffic=(
            Traffic(memory="dram", read_bytes=30_145_536.0, write_bytes=9_437_184.0),
            Traffic(memory="buffer", read_bytes=245_366_784.5, write_bytes=27_262_976.0),
        ),
        scenario=SCENARIO,
        carbon=CARBON,
        notes=("floating-point tensors run as int8, the precision of hand-made",),
    )


def layer(index: int, op: Op, names: tuple[str, ...], cost: LayerCost) -> Layer:
    return Layer(model=index, op=op, names=names, count=len(names), cost=cost, nodes=names)


def model(name: str, costed: int, free: tuple[FreeNode, ...]) -> ModelInfo:
    return ModelInfo(
        name=name,
        file=f"{name}.onnx",
        sha256=SHA,
        macs=1000,
        parameters=86_000_000,
        parameter_bytes=86e6,
        coverage=Coverage(costed=costed, free=len(free), unknown=0, free_nodes=free),
    )
