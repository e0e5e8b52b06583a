import pytest

from catx.costmodel.components.catransformers import (
    catransformers_area_mm2,
    catransformers_dram,
    catransformers_mac,
    catransformers_registers,
    catransformers_sram,
    effective_l2_kib,
)
from catx.errors import SpecError

# Measured on the public code [um2]: (clusters, width, depth, L2 KiB, GLB MiB), total, TC, VC and GLB part
POINTS = [
    ((1, 32, 2, 64, 2), 3349193.732064, 130253.46208, 118080.269984, 3100860.0),
    ((1, 256, 16, 256, 4), 8757597.732992, 2005045.57312, 545042.159872, 6207510.0),
    ((4, 64, 32, 256, 4), 13001483.306112, 4905627.14624, 1888346.159872, 6207510.0),
]


@pytest.mark.parametrize(("point", "total", "matrix", "vector", "glb"), POINTS)
def test_area_is_that_of_the_code(
    point: tuple[int, int, int, int, int], total: float, matrix: float, vector: float, glb: float
) -> None:
    clusters, width, depth, l2_kib, glb_mib = point
    area = catransformers_area_mm2(
        clusters=clusters, pe_width=width, pe_depth=depth, l2_kib=l2_kib, glb_mib=glb_mib
    )
    assert area.total_mm2 * 1e6 == pytest.approx(total, rel=1e-6)
    assert (area.matrix_mm2 + area.l2_matrix_mm2) * 1e6 == pytest.approx(matrix, rel=1e-4)
    assert (area.vector_mm2 + area.l2_vector_mm2) * 1e6 == pytest.approx(vector, rel=1e-4)
    assert area.glb_mm2 * 1e6 == pytest.approx(glb, rel=1e-6)


def test_wide_arrays_get_more_l2_than_asked() -> None:
    assert effective_l2_kib(pe_width=256, pe_depth=16, l2_kib=64) == 128
    assert effective_l2_kib(pe_width=256, pe_depth=32, l2_kib=64) == 256
    assert effective_l2_kib(pe_width=256, pe_depth=64, l2_kib=64) == 256
    assert effective_l2_kib(pe_width=64, pe_depth=8, l2_kib=64) == 64
    assert effective_l2_kib(pe_width=256, pe_depth=16, l2_kib=512) == 512


@pytest.mark.parametrize(
    ("kib", "read_pj", "write_pj"),
    [
        (64, 5.428359, 5.08094),
        (256, 9.129444, 8.75605),
        (2048, 24.296144, 20.6046),
        (4096, 34.338094, 30.64655),
    ],
)
def test_energy_is_per_byte_of_a_four_byte_access(kib: int, read_pj: float, write_pj: float) -> None:
    found = catransformers_sram(kib)
    assert found.read_j_per_byte == pytest.approx(read_pj / 4 * 1e-12)
    assert found.write_j_per_byte == pytest.approx(write_pj / 4 * 1e-12)


def test_other_components() -> None:
    assert catransformers_dram().read_j_per_byte == pytest.approx(8e-12 * 8)
    assert catransformers_mac().j_per_op == pytest.approx(0.469035e-12)
    assert catransformers_mac().area_mm2 == pytest.approx(379.846667e-6)
    assert catransformers_registers("vector").write_j_per_byte == pytest.approx(0.11843e-12 / 4)


def test_sizes_that_it_does_not_have() -> None:
    with pytest.raises(SpecError, match="64, 128, 256"):
        catransformers_area_mm2(clusters=1, pe_width=32, pe_depth=2, l2_kib=96, glb_mib=2)
    with pytest.raises(SpecError, match="clusters"):
        catransformers_area_mm2(clusters=0, pe_width=32, pe_depth=2, l2_kib=64, glb_mib=2)
