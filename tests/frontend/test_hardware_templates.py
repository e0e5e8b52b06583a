"""Templates: what they expand to, and the numbers that they are known by."""

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.costmodel.components import resolve
from catx.costmodel.evaluate import evaluate
from catx.errors import SpecError
from catx.frontend.hardware import dump_accelerator, load_accelerator, parse_accelerator
from catx.frontend.hardware.template import storage
from catx.ir.accelerator import Accelerator
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.operand import Operand, plain_axes
from catx.units import parse_quantity

CAT = (
    "template: catransformers\nclusters: {clusters}\npe_width: {width}\npe_depth: {depth}\nl2_kib: {l2}\n"
    "l2_bandwidth: {bandwidth}\nglb_mib: {glb}\n"
)
POINT = {"clusters": 2, "width": 64, "depth": 32, "l2": 128, "bandwidth": 32, "glb": 2}
GOLDEN = json.loads(Path(__file__).with_name("catransformers_area.json").read_text(encoding="utf-8"))


def cat(extra: str = "", **changes: object) -> Accelerator:
    return parse_accelerator(CAT.format(**(POINT | changes)) + extra)


def test_catransformers_is_the_machine_of_the_paper() -> None:
    point = cat()
    assert point.clock_hz == 625e6
    assert point.precision is DType.INT8
    assert (point.technology.node_nm, point.technology.dram_gb) == (22, 1)
    dram, glb, l2, registers = point.memories
    assert dram.read_bytes_per_cycle == 128.0  # 80 GB/s
    assert (glb.capacity_bytes, glb.read_bytes_per_cycle) == (2 * 2**20, 512)
    assert (l2.capacity_bytes, l2.read_bytes_per_cycle, l2.write_bytes_per_cycle) == (128 * 2**10, 32, 32)
    assert point.instances("L2") == 2
    assert point.instances("registers") == point.peak_macs_per_cycle[DType.INT8] == 2 * 64 * 32
    assert registers.capacity_bytes == 32
    assert point.vector is not None
    assert (point.vector.lanes, point.vector.memory) == (128, "L2")
    array = {axis.name: axis for axis in point.fanouts[-1].axes}
    assert array["row"].dims == {"reduction"}
    assert (array["row"].size, array["column"].size, array["column"].dims) == (32, 64, frozenset())
    assert not point.fanouts[0].axes[0].reduces


def test_one_cluster_has_no_fanout_of_clusters() -> None:
    assert [fanout.name for fanout in cat(clusters=1).fanouts] == ["array"]


def test_l2_bandwidth_is_of_each_cluster_and_may_have_a_unit() -> None:
    assert cat(bandwidth="32 B/cycle") == cat(bandwidth=32)
    assert cat(bandwidth="20 GB/s").memories[2].read_bytes_per_cycle == 32
    assert cat(clusters=4).memories[2].read_bytes_per_cycle == 32


def test_weight_stationary_columns_take_no_rows_of_the_input() -> None:
    axes = cat("dataflow: weight_stationary\n").fanouts[-1].axes
    assert [axis.dims for axis in axes] == [{"reduction"}, {"weight_output"}]


def test_template_keys_of_the_general_form() -> None:
    changed = cat(
        "name: mine\ndescription: d\nsource: s\nclock: 1 GHz\nprecision: bf16\ntechnology: {node: 7 nm}\n"
        "overlap_only: true\nlaunch_overhead: 1 us\nother_area: 2 mm2\ndram: hbm2\ndram_bandwidth: 100 GB/s\n"
    )
    assert (changed.name, changed.description, changed.source) == ("mine", "d", "s")
    assert (changed.clock_hz, changed.precision) == (1e9, DType.BF16)
    assert (changed.technology.node_nm, changed.technology.dram_gb) == (7, 1)
    assert (changed.overlap_only, changed.launch_s, changed.other_area_mm2) == (True, 1e-6, 2)
    assert (changed.memories[0].dram_type, changed.memories[0].read_bytes_per_cycle) == ("hbm2", 100)
    assert [rate.dtype for rate in changed.matrix.rates] == [DType.BF16]


@pytest.mark.parametrize("row", GOLDEN["measured"], ids=str)
def test_parity_reproduces_measured_areas(row: dict[str, float]) -> None:
    point = cat("components: catransformers\n", **{key: row[key] for key in POINT if key in row})
    assert point.die_area_mm2 == pytest.approx(row["area_um2"] * 1e-6, rel=1e-6)


@pytest.mark.parametrize(
    ("clusters", "width", "depth", "l2", "glb"),
    [
        (1, 32, 2, 64, 2),
        (4, 256, 32, 128, 8),
        (2, 256, 16, 64, 4),
        (4, 256, 64, 1024, 8),
        (1, 128, 64, 64, 2),
    ],
)
def test_parity_follows_the_closed_form(clusters: int, width: int, depth: int, l2: int, glb: int) -> None:
    table = GOLDEN["closed_form"]
    floor = {(256, 32): 256, (256, 16): 128}.get((width, depth), width * depth / 64)
    sram = table["sram_um2"]
    expected_um2 = (
        clusters * width * depth * (table["mac_um2"] + table["matrix_registers_um2"])
        + clusters * width * (table["mac_um2"] + table["vector_registers_um2"])
        + clusters * (sram[str(int(max(l2, floor)))] + sram[str(l2)])
        + sram[str(glb * 1024)]
    )
    point = cat("components: catransformers\n", clusters=clusters, width=width, depth=depth, l2=l2, glb=glb)
    assert point.die_area_mm2 == pytest.approx(expected_um2 * 1e-6, rel=1e-9)


def test_parity_has_energies_per_byte_of_four_byte_words() -> None:
    levels = {memory.name: memory for memory in load_accelerator("catransformers").memories}
    assert levels["DRAM"].read_j_per_byte == pytest.approx(64e-12)
    assert levels["GLB"].write_j_per_byte == pytest.approx(30.64655e-12 / 4)
    assert levels["L2_weight"].read_j_per_byte == pytest.approx(9.129444e-12 / 4)
    assert levels["registers"].read_j_per_byte == pytest.approx(0.190888e-12 / 4)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("precision: bf16\n", "int8 at 22 nm alone"),
        ("technology: {node: 7 nm}\n", "int8 at 22 nm alone"),
        ("", "no SRAM of 100 KiB"),
    ],
)
def test_parity_refuses_what_the_tables_lack(extra: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        cat("components: catransformers\n" + extra, l2=128 if extra else 100)
    assert caught.value.loc is not None
    assert caught.value.loc.line == 1


def gemm(m: int, k: int, n: int) -> Einsum:
    operands = [
        Operand(name, plain_axes(*dims), DType.INT8)
        for name, dims in zip("xwy", ("mk", "kn", "mn"), strict=True)
    ]
    return Einsum(
        name="gemm",
        op="MatMul",
        dims=(("m", m), ("k", k), ("n", n)),
        inputs=(operands[0], operands[1]),
        output=operands[2],
    )


@pytest.mark.parametrize(
    ("machine", "l2", "reduced", "columns"),
    [("catransformers", ("L2_input", "L2_weight", "L2_output"), 2, 128), ("edge", ("L2", "L2", "L2"), 4, 64)],
)
def test_the_paper_s_gemm_keeps_every_element_busy(
    machine: str, l2: tuple[str, str, str], reduced: int, columns: int
) -> None:
    """197 x 768 x 2304 on 256 x 16 elements takes 85,104 cycles in the paper's code: no MAC ever idles."""
    taps = 768 // (16 * reduced)
    nodes = (
        *(Store("DRAM", role) for role in ("input", "weight", "output")),
        *(Store("GLB", role) for role in ("input", "output")),
        Store(l2[0], "input"),
        Loop("n", columns),
        Store(l2[1], "weight"),
        Store(l2[2], "output"),
        Loop("k", 768 // 16, "array", "row"),
        Loop("k", taps, "array", "column"),
        Loop("n", 1, "array", "column"),
        Store("registers", "weight"),
        Loop("m", 1),
        Store("registers", "output"),
        Loop("k", 1),
        Store("registers", "input"),
    )
    cycles = evaluate(gemm(197, 768, 2304), Mapping(nodes), load_accelerator(machine)).cycles
    assert cycles.compute == 85104
    assert cycles.bound_by == "compute"
    if machine == "catransformers":
        assert cycles.latency_cycles == 85104


CATX = "template: catransformers\nclusters: 1\npe_width: 16\npe_depth: 16\n"
CATX += "l2_kib: 64\nl2_bandwidth: 64\nglb_mib: 1\n"
SYSTOLIC = "template: systolic\nrows: 16\ncolumns: 8\nbuffer_kib: 256\n"


def test_weight_stationary_arrays_add_down_their_columns() -> None:
    array = parse_accelerator(SYSTOLIC + "arrays: 2\n")
    names = [level.name for level in array.levels]
    assert names == ["DRAM", "buffer", "arrays", "columns", "accumulators", "rows", "registers"]
    assert array.peak_macs_per_cycle == {DType.INT8: 256}
    assert array.matrix.pipeline_cycles == 23
    buffer, sums, registers = array.memories[1:]
    assert buffer.read_bytes_per_cycle == 2 * (16 + 8)
    assert (sums.keeps, sums.capacity_bytes) == ({"output"}, 1024 * 4)
    assert (registers.keeps, registers.capacity_bytes, registers.double_buffered) == ({"weight"}, 2, True)
    assert array.instances("accumulators") == 16
    assert array.vector is not None
    assert array.vector.lanes == 16


def test_output_stationary_arrays_keep_sums() -> None:
    array = parse_accelerator(
        SYSTOLIC + "dataflow: output_stationary\nprecision: bf16\nbuffer_bandwidth: 8 GB/s\n"
    )
    assert [level.name for level in array.levels] == ["DRAM", "buffer", "array", "registers"]
    assert array.memories[-1].keeps == {"output"}
    assert array.memories[-1].capacity_bytes == 8  # two sums of 4 bytes
    assert [axis.dims for axis in array.fanouts[0].axes] == [{"input_output"}, {"weight_output"}]
    assert array.memories[1].read_bytes_per_cycle == 8


GPU = (
    "template: gpu_like\nsms: 10\ntensor_core: {m: 8, n: 4, k: 8}\nl1_kib: 128\nl2_mib: 4\n"
    "l2_bandwidth: 1024 B/cycle\n"
)


def test_gpu_like() -> None:
    gpu = parse_accelerator(GPU + "rates: {int8: 2}\nidle_power: 20 W\n")
    assert gpu.peak_macs_per_cycle == {DType.FP16: 10 * 4 * 256, DType.INT8: 2 * 10 * 4 * 256}
    assert gpu.memories[0].static_w == 20
    assert gpu.instances("L1") == 10
    assert gpu.instances("registers") == 40
    assert gpu.memories[2].read_bytes_per_cycle == 128
    assert gpu.vector is not None
    assert gpu.vector.lanes == 640


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("template: catransformer\n", "template", "did you mean 'catransformers'?"),
        ("template: [systolic]\n", "template", "no template a list of 1 items"),
        (SYSTOLIC.replace("rows", "row"), "row", "did you mean 'rows'?"),
        (SYSTOLIC.replace("rows: 16\n", ""), "rows", "missing key 'rows': a whole number above 0"),
        (SYSTOLIC.replace("rows: 16", "rows: 0"), "rows", "a whole number above 0"),
        (SYSTOLIC + "dataflow: weight\n", "dataflow", "expected 'weight_stationary' or 'output_stationary'"),
        (SYSTOLIC + "levels: []\n", "levels", "unknown key"),
        (SYSTOLIC + "dram: ddr9\n", "dram", "`ddr9` is not a DRAM type"),
        (GPU + "dram: hbm9\n", "dram", "did you mean 'hbm"),
        (CATX + "dram: ddr9\n", "dram", "did you mean 'ddr"),
        (CATX + "dram: lpddr3_20nm\n", "dram", "no energy of DRAM type 'lpddr3_20nm'"),
        (CATX + "clock: 1e-300 Hz\n", "clock", "a frequency is 1 kHz to 1000 GHz"),
        (CATX + "technology: {node: 2 nm}\n", "technology.node", "no embodied-carbon data for 2 nm"),
        (SYSTOLIC + "die_area: 1 um2\n", "die_area", "more than the whole die"),
        (GPU.replace("k: 8", "kk: 8"), "tensor_core.kk", "did you mean 'k'?"),
        (GPU + "technology: {nodes: 7 nm}\n", "technology.nodes", "did you mean 'node'?"),
        (GPU + "technology: {node: 3 nm}\n", "", "no component data for 3 nm"),
    ],
)  # fmt: skip
def test_bad_templates(text: str, where: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_accelerator(text, "hw.yaml")
    assert caught.value.loc is not None
    if where.split(".")[0] in ("dram", "clock", "technology"):
        assert text.splitlines()[caught.value.loc.line - 1].startswith(where.split(".")[0])
    assert message in str(caught.value)
    assert f"[{where}" in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(
    clusters=st.sampled_from([1, 2, 4]),
    width=st.sampled_from([32, 64, 128, 256]),
    depth=st.sampled_from([2, 4, 8, 16, 32, 64]),
    l2=st.sampled_from([64, 128, 256, 512, 1024]),
    bandwidth=st.sampled_from([32, 64, 128]),
    glb=st.sampled_from([2, 4, 8]),
    parity=st.booleans(),
)
def test_the_whole_space_of_the_paper_loads(parity: bool, **point: int) -> None:
    machine = cat("components: catransformers\n" if parity else "", **point)
    assert machine.instances(machine.matrix.name) == point["clusters"] * point["width"] * point["depth"]
    assert 0.5 < machine.die_area_mm2 < 60
    assert parse_accelerator(dump_accelerator(machine)) == machine


SPACE: dict[str, list[int]] = {
    "clusters": [1, 2, 4],
    "width": [32, 64, 128, 256],
    "depth": [2, 4, 8, 16, 32, 64],
    "l2": [64, 128, 256, 512, 1024],
    "bandwidth": [32, 64, 128],
    "glb": [2, 4, 8],
}


@settings(max_examples=60, deadline=None)
@given(
    point=st.fixed_dictionaries({key: st.sampled_from(values) for key, values in SPACE.items()}),
    key=st.sampled_from(sorted(SPACE)),
)
def test_more_of_anything_never_takes_less_area(point: dict[str, int], key: str) -> None:
    areas = [cat(**(point | {key: value})).die_area_mm2 for value in SPACE[key]]
    assert areas == sorted(areas)


@pytest.mark.parametrize("clusters", SPACE["clusters"])
def test_a_byte_never_gets_cheaper_in_more_memory_or_at_more_bandwidth(clusters: int) -> None:
    """Over every buffer of the paper's space, read and write each."""
    energies: dict[str, dict[tuple[int, int, int], tuple[float, float]]] = {"GLB": {}, "L2": {}}
    for l2, bandwidth, glb in product(SPACE["l2"], SPACE["bandwidth"], SPACE["glb"]):
        for memory in cat(clusters=clusters, l2=l2, bandwidth=bandwidth, glb=glb).memories[1:3]:
            energies[memory.name][l2, bandwidth, glb] = (memory.read_j_per_byte, memory.write_j_per_byte)
    for found in energies.values():
        for (small, few), (large, many) in product(found.items(), repeat=2):
            if all(a <= b for a, b in zip(small, large, strict=True)):
                assert few[0] <= many[0] * (1 + 1e-12)
                assert few[1] <= many[1] * (1 + 1e-12)


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 2**17), min_size=2, max_size=2).map(sorted),
    rates=st.lists(st.floats(1, 2**14), min_size=2, max_size=2).map(sorted),
    node=st.sampled_from([7, 16, 22, 28, 45, 65, 90]),
)
def test_a_byte_written_and_read_costs_more_in_larger_and_faster_buffers(
    sizes: list[int], rates: list[float], node: int
) -> None:
    costs = []
    for kib, rate in ((sizes[0], rates[0]), (sizes[0], rates[1]), (sizes[1], rates[1])):
        component = storage(kib * 2**10, rate)
        assert isinstance(component, dict)
        width_bits = parse_quantity(component["width"], "width") * 8
        shape = {"capacity_bytes": kib * 2**10, "width_bits": width_bits, "macros": component["macros"]}
        numbers = resolve("sram", node_nm=node, **shape)
        costs.append((numbers.read_j_per_byte + numbers.write_j_per_byte, numbers.area_mm2))
    for cost in zip(*costs, strict=True):
        assert cost[0] <= cost[1] * (1 + 1e-12)
        assert cost[1] <= cost[2] * (1 + 1e-12)


@pytest.mark.parametrize(
    ("kib", "rate", "macros", "width"),
    [
        (1, 8, 1, "16 B"),
        (16, 64, 1, "64 B"),
        (64, 256, 4, "64 B"),
        (64, 512, 8, "64 B"),
        (128, 64, 8, "64 B"),
        (256, 64, 8, "64 B"),
        (4096, 1024, 128, "64 B"),
        (2**20, 64, 4096, "64 B"),
    ],
)
def test_buffers_are_built_of_small_macros(kib: int, rate: float, macros: int, width: str) -> None:
    assert storage(kib * 2**10, rate) == {"class": "sram", "width": width, "macros": macros}
    assert storage(1000, rate) == "regfile"


def test_templates_pay_for_the_way_across_their_arrays() -> None:
    for text in (SYSTOLIC + "arrays: 2\n", SYSTOLIC + "dataflow: output_stationary\n", GPU):
        links = {fanout.name: fanout.link_j_per_byte for fanout in parse_accelerator(text).fanouts}
        assert all(energy > 0 for name, energy in links.items() if name != "rows")
        assert links.get("rows", 0) == 0  # from neighbour to neighbour
    links = [cat(clusters=4, width=width).fanouts for width in SPACE["width"]]
    for fanout in range(2):
        energies = [machine[fanout].link_j_per_byte for machine in links]
        assert energies == sorted(energies)
        assert energies[0] > 0
    assert all(fanout.link_j_per_byte == 0 for fanout in cat("components: catransformers\n").fanouts)
