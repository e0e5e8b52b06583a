"""Dumps read back to equal accelerators, whatever the numbers and texts."""

from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from catx.costmodel.carbon.tables import tables
from catx.frontend.hardware import dump_accelerator, load_accelerator, parse_accelerator
from catx.ir.accelerator import (
    RESERVED,
    RESERVED_OF_UNITS,
    Accelerator,
    Fanout,
    FanoutAxis,
    MacRate,
    MatrixUnit,
    Memory,
    Technology,
    VectorUnit,
    accumulator_problem,
)
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES

positive = st.floats(min_value=1e-9, max_value=1e12)
amounts = st.just(0.0) | st.floats(min_value=1e-20, max_value=1.0)
rates = positive | st.just(inf)
texts = st.text(max_size=30).map(str.strip)
words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12).filter(
    lambda word: word.isprintable() and word.strip() == word and word not in RESERVED | RESERVED_OF_UNITS
)
roles = st.sets(st.sampled_from(ROLES), min_size=1).map(frozenset)


@st.composite
def memories(draw: st.DrawFn, name: str, outermost: bool) -> Memory:
    keeps = frozenset(ROLES) if outermost else draw(roles)
    optional = frozenset() if outermost else draw(st.sets(st.sampled_from(sorted(keeps))).map(frozenset))
    dram = draw(st.sampled_from(["", *tables().dram])) if outermost else ""
    read, shared = draw(rates), draw(st.booleans())
    return Memory(
        name=name,
        capacity_bytes=inf if outermost else draw(st.floats(min_value=64, max_value=1e12) | st.just(inf)),
        read_bytes_per_cycle=read,
        write_bytes_per_cycle=read if shared else draw(rates),
        shared_port=shared,
        double_buffered=draw(st.booleans()),
        keeps=keeps,
        optional=optional,
        read_j_per_byte=draw(amounts),
        write_j_per_byte=draw(amounts),
        static_w=draw(amounts),
        area_mm2=0.0 if dram else draw(amounts),
        dram_type=dram,
        source=draw(texts),
    )


@st.composite
def fanouts(draw: st.DrawFn, name: str) -> Fanout:
    dims = st.sets(st.sampled_from(["reduction", "batch", "k", "y", "n"])).map(frozenset)
    names = draw(st.lists(words, min_size=1, max_size=2, unique=True))
    return Fanout(
        name=name,
        axes=tuple(
            FanoutAxis(
                name=axis,
                size=draw(st.integers(1, 8)),
                dims=draw(dims),
                multicast=draw(st.sets(st.sampled_from(ROLES[:2])).map(frozenset)),
                reduces=draw(st.booleans()),
            )
            for axis in names
        ),
        link_bytes_per_cycle=draw(rates),
        link_j_per_byte=draw(amounts),
        area_mm2=draw(amounts),
        source=draw(texts),
    )


def _accumulators(dtype: DType, *, truncates: bool) -> list[DType]:
    return [
        total for total in sorted(DType) if accumulator_problem(dtype, total, truncates=truncates) == ("", "")
    ]


@st.composite
def accelerators(draw: st.DrawFn) -> Accelerator:
    names = draw(st.lists(words, min_size=4, max_size=7, unique=True))
    vector, matrix, outermost, *inner = names
    levels: list[Memory | Fanout] = [draw(memories(outermost, outermost=True))]
    levels += [draw(st.one_of(memories(name, outermost=False), fanouts(name))) for name in inner]
    dtypes = draw(st.dictionaries(st.sampled_from(sorted(DType)), st.booleans(), min_size=1, max_size=3))
    return Accelerator(
        name=draw(words),
        levels=tuple(levels),
        matrix=MatrixUnit(
            name=matrix,
            rates=tuple(
                MacRate(
                    dtype=dtype,
                    macs_per_cycle=draw(st.floats(min_value=0.01, max_value=1e4)),
                    j_per_mac=draw(amounts),
                    accumulator=draw(st.sampled_from(_accumulators(dtype, truncates=truncates))),
                    truncates=truncates,
                )
                for dtype, truncates in dtypes.items()
            ),
            pipeline_cycles=draw(st.floats(min_value=0, max_value=1e6)),
            static_w=draw(amounts),
            area_mm2=draw(amounts),
            source=draw(texts),
        ),
        vector=draw(
            st.none()
            | st.builds(
                VectorUnit,
                name=st.just(vector),
                memory=st.just(outermost),
                lanes=st.integers(1, 10**6),
                j_per_op=amounts,
                static_w=amounts,
                area_mm2=amounts,
                source=texts,
            )
        ),
        clock_hz=draw(st.floats(min_value=1e3, max_value=1e10)),
        technology=Technology(
            node_nm=draw(st.floats(min_value=3, max_value=180)),
            dram_gb=draw(st.floats(min_value=1e-6, max_value=1e3)) if levels[0].dram_type else 0.0,
        ),
        precision=draw(st.none() | st.sampled_from(list(dtypes))),
        overlap_only=draw(st.booleans()),
        launch_s=draw(amounts),
        other_area_mm2=draw(amounts),
        description=draw(texts),
        source=draw(texts),
    )


@settings(max_examples=150, deadline=None)
@given(accelerators())
def test_what_is_dumped_reads_back(accelerator: Accelerator) -> None:
    assert parse_accelerator(dump_accelerator(accelerator)) == accelerator


def test_an_axis_for_any_dim_lists_none() -> None:
    text = dump_accelerator(load_accelerator("edge4"))
    assert "{name: row, size: 32, multicast:" in text
    assert "dims: []" not in text
    assert parse_accelerator(text) == load_accelerator("edge4")
