"""mapping.yaml reads back to what was written, and says where it is wrong."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import CatxError, MappingError, SpecError
from catx.frontend.mapping_check import check_mappings
from catx.frontend.mapping_file import load_mappings
from catx.frontend.mapping_writer import dump_mappings, einsum_text
from catx.ir.counts import Access, Counts, StoreCounts
from catx.ir.einsum import Einsum
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.report import Report
from catx.mapper.front import FrontPoint
from tests.strategies import Case, cases
from tests.tools.reports import MACHINE, conv, layer, mapped, matmul, report

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES |= st.sampled_from(["yes", "1e3", "null", "- a", "a: b", "#x", "\ud800"])


def with_mapping(case: Case, name: str) -> Report:
    one = report()
    cost = replace(one.layers[1].cost, mapped=FrontPoint(case.mapping, empty_counts(case.mapping)))
    return replace(one, layers=(layer(0, case.einsum, (name,), cost),))


def empty_counts(mapping: Mapping) -> Counts:
    """Counts of a mapping whose tiles are empty, on whatever machine."""
    nothing = dict.fromkeys(
        ("read_bytes", "write_bytes", "busiest_read_bytes", "busiest_write_bytes", "tile_bytes"), 0.0
    )
    stores = tuple(
        StoreCounts(
            memory=node.memory,
            role=node.role,
            tile_elements=0,
            instances=1,
            total=Access(),
            busiest=Access(),
            **nothing,
        )
        for node in mapping.nodes
        if isinstance(node, Store)
    )
    counts = report().layers[1].cost.counts
    assert counts is not None
    return replace(counts, stores=stores)


def saved(folder: Path, text: str) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mappings")


@settings(max_examples=60, deadline=None)
@given(case=cases(), name=NAMES)
def test_every_mapping_reads_back(folder: Path, case: Case, name: str) -> None:
    text = dump_mappings(with_mapping(case, name))
    read = load_mappings(saved(folder, text))
    assert read.mappings == {case.einsum.canonical(): case.mapping}
    assert read.entries[0].used_by == (f"vision: {name}".replace("\ud800", "\ufffd"),)
    assert yaml.safe_load(text)["layers"][0]["einsum"] == einsum_text(case.einsum)


@settings(max_examples=40, deadline=None)
@given(place=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), tile=st.integers(1, 10**18 - 1))
def test_any_names_of_places_read_back(folder: Path, place: str, tile: int) -> None:
    nest = Mapping((Store(place, "input"), Loop("m", tile, place, place), Store("x" + place, "output")))
    text = dump_mappings(with_mapping(Case(matmul(4, 5, 6), nest, MACHINE), "fc"))
    assert list(load_mappings(saved(folder, text)).mappings.values()) == [nest]


def test_file(golden: Callable[[str], None]) -> None:
    golden(dump_mappings(report()))


def test_layers_of_the_same_einsum_share_one_mapping(tmp_path: Path) -> None:
    fused = replace(matmul(197, 768, 768), op="Gemm")
    twin = layer(1, fused, ("again",), mapped(fused, "k", "n", 1e-5, 1e-5, "mac"))
    read = load_mappings(saved(tmp_path, dump_mappings(replace(report(), layers=(*report().layers, twin)))))
    shared = next(e for e in read.entries if e.einsum == fused.canonical())
    assert len(shared.used_by) == 13
    assert shared.used_by[-1] == "text: again"


def test_report_without_einsums(tmp_path: Path) -> None:
    assert load_mappings(saved(tmp_path, dump_mappings(replace(report(), layers=())))).entries == ()


def test_legal_mappings_pass(tmp_path: Path) -> None:
    check_mappings(load_mappings(saved(tmp_path, dump_mappings(report()))), MACHINE)


GOOD = """\
schema: catx.mapping/1
layers:
  - einsum: O[m,n] += I[m,k] * W[k,n]
    dims: {m: 4, n: 4, k: 4}
    dtypes: {input: int8, weight: int8, output: int8}
    nest:
      - {store: dram, roles: [input, weight, output]}
      - {store: buffer, roles: [input, weight, output]}
      - {loop: m, tile: 1}
      - {loop: n, tile: 1}
      - {loop: k, tile: 1}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("catx.mapping/1", "catx.mapping/2", 1, "expected `catx.mapping/1`"),
        ("schema: catx.mapping/1", "objective: edp", 1, "key `schema` is missing"),
        ("layers:", "layer:", 2, "unknown key; did you mean 'layers'?"),
        ("O[m,n] +=", "O[m,n] =", 3, "is no einsum"),
        ("W[k,n]", "W[k,n+]", 3, "is no term of an axis"),
        ("W[k,n]", "W[k,q]", 3, "unknown dims ['q']"),
        ("m: 4,", "m: 4, z: 4,", 3, "['z'] index no operand"),
        ("m: 4", "m: 0", 4, "expected a whole number above 0, not `0`"),
        ("m: 4", "m: true", 4, "expected a whole number above 0, not `true`"),
        ("m: 4", "m: 4.5", 4, "expected a whole number above 0, not `4.5`"),
        ("weight: int8", "weight: int9", 5, "unknown element type `int9`; did you mean 'int8'?"),
        ("weight: int8", "weigth: int8", 5, "unknown key; did you mean 'weight'?"),
        (
            "[input, weight, output]}\n      - {loop: m",
            "[input, wieght, output]}\n      - {loop: m",
            8,
            "unknown role",
        ),
        ("{loop: m, tile: 1}", "{loop: m}", 9, "key `tile` is missing"),
        ("{loop: m, tile: 1}", "{loop: m, tile: -1}", 9, "expected a whole number above 0"),
        ("{loop: m, tile: 1}", "{loop: m, tile: 1, fanout: f}", 9, "key `axis` is missing"),
        ("{loop: m, tile: 1}", "{loop: m, tile: 1, fanout: '', axis: x}", 9, "empty name"),
        ("{loop: m, tile: 1}", "{loops: m, tile: 1}", 9, "expected a `store` or a `loop`"),
        ("{loop: m, tile: 1}", "7", 9, "expected a `store` or a `loop`, not `7`"),
        ("{loop: m, tile: 1}", "{store: buffer, roles: [input]}", 9, "buffer stores the input already"),
        ("nest:\n", "nest: 3\n    used_by:\n", 6, "expected a list, not `3`"),
        ("{loop: m, tile: 1}", "&a {loop: m, tile: 1}", 9, "anchors"),
        ("layers:", "layers: [", 3, "YAML syntax"),
    ],
)
def test_bad_files_are_told_with_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    path = saved(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_mappings(path)
    assert message in str(caught.value)
    assert f"{path}:{line}" in str(caught.value)


def test_the_same_einsum_twice(tmp_path: Path) -> None:
    path = saved(tmp_path, GOOD + GOOD.split("layers:\n")[1])
    with pytest.raises(SpecError, match=re.escape(f"{path}:12 [O[m,n]") + ".*already, on line 3"):
        load_mappings(path)


M_LOOP, BUFFER = "{loop: m, tile: 1}", "{store: buffer, roles: [input, weight, output]}"
ILLEGAL = [
    (M_LOOP, "{loop: m, tile: 2}", 9),
    (M_LOOP, "{loop: m, tile: 5}", 9),
    (M_LOOP, "{loop: q, tile: 1}", 9),
    (f"      - {M_LOOP}\n", "", 3),
    (M_LOOP, "{loop: m, tile: 1, fanout: array, axis: diagonal}", 9),
    (f"{BUFFER}\n      - {M_LOOP}", f"{{loop: m, tile: 1, fanout: array, axis: rows}}\n      - {BUFFER}", 8),
    ("store: buffer", "store: cache", 8),
    (BUFFER, "{store: buffer, roles: [input, weight]}", 3),
    (
        "[input, weight, output]}",
        f"[input, weight]}}\n      - {M_LOOP}\n      - {{store: dram, roles: [output]}}",
        9,
    ),
    ("n: 4, k: 4", "n: 4, k: 9999999", 8),
]


def test_an_illegal_nest_is_told_at_its_line(tmp_path: Path, golden: Callable[[str], None]) -> None:
    told = []
    for old, new, line in ILLEGAL:
        assert old in GOOD, old
        path = saved(tmp_path, GOOD.replace(old, new, 1))
        with pytest.raises(MappingError) as caught:
            check_mappings(load_mappings(path), MACHINE)
        assert caught.value.loc is not None
        assert (caught.value.loc.file, caught.value.loc.line) == (str(path), line), str(caught.value)
        told.append(f"{new or 'nothing'}\n{str(caught.value).replace(str(path), 'mapping.yaml')}\n")
    golden("\n".join(told))


def test_hostile_files(tmp_path: Path) -> None:
    bombs = {
        "big": "#" * 2**23 + "##",
        "aliases": "a: &a [1]\nb: [*a, *a]\n",
        "deep": "layers: " + "[" * 5000 + "]" * 5000,
        "binary": "\x00\x01",
        "empty": "",
        "two": GOOD + "---\n" + GOOD,
        "list": "- 1\n",
    }
    for name, text in bombs.items():
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(SpecError):
            load_mappings(path)
    (tmp_path / "latin").write_bytes(b"\xff\xfe\xff")
    for path in (tmp_path / "latin", tmp_path, tmp_path / "missing", Path("/dev/null"), "nul\0l"):
        with pytest.raises(SpecError):
            load_mappings(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_raise_only_errors_of_catx(folder: Path, data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 6)))
        text = text[:start] + data.draw(st.text("[]{}:,-0123 abmnkOIW+*#'\"&\n", max_size=6)) + text[end:]
    told: list[str] = []
    try:
        check_mappings(load_mappings(saved(folder, text)), MACHINE)
    except CatxError as error:
        told.append(str(error))
    assert all(str(folder) in message for message in told)


def test_einsum_texts() -> None:
    assert einsum_text(conv()) == "O[f,x] += I[c,2*x+s] * W[f,c,s]"
    dot = matmul(1, 1, 3)
    scalar = replace(dot.output, axes=((), ()))
    one = Einsum(
        name="",
        op="",
        dims=dot.dims[2:],
        inputs=(replace(dot.inputs[0], axes=((("k", 1),),)), replace(dot.inputs[1], axes=((("k", 1),), ()))),
        output=scalar,
    )
    assert einsum_text(one) == "O[0,0] += I[k] * W[k,0]"


def test_many_layers_fit(tmp_path: Path) -> None:
    """A model of a thousand different layers is within the limits."""
    cost = report().layers[1].cost
    layers = tuple(layer(0, matmul(size, 3, 5), (f"fc{size}",), cost) for size in range(1, 1001))
    text = dump_mappings(replace(report(), layers=layers))
    assert len(load_mappings(saved(tmp_path, text)).entries) == 1000
