"""Carbon of good dies from wafers, against published numbers and slow sums."""

from dataclasses import replace
from math import comb, exp, lgamma, log, pi, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.costmodel.carbon import SCENARIOS, embodied_parts
from catx.costmodel.carbon.binning import binned_yield
from catx.costmodel.carbon.embodied import die_sheet
from catx.costmodel.carbon.gaps import left_out
from catx.errors import SpecError
from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator, MacRate, MatrixUnit, Memory, Technology
from catx.ir.assembly import Assembly, Die, Harvest
from catx.ir.dtype import DType
from tests.costmodel.whole_energy import carbon_of

EDGE = SCENARIOS["edge-default"]


def chip(
    technology: Technology, area_mm2: float, dram_type: str = "hbm2", sram_mm2: float = 0.0
) -> Accelerator:
    rate = MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=1e-12, accumulator=DType.INT32)
    return Accelerator(
        name="chip",
        levels=(
            Memory(name="DRAM", dram_type=dram_type),
            Memory(name="SRAM", capacity_bytes=1e6, area_mm2=sram_mm2),
        ),
        matrix=MatrixUnit(name="MAC", rates=(rate,)),
        vector=None,
        clock_hz=1e9,
        technology=technology,
        other_area_mm2=area_mm2,
    )


def slow_binned_yield(defects: float, alpha: float, cores: int, needed: int, share: float) -> float:
    """D. Stow et al., ICCAD 2017, as CAPA quotes it: a sum over numbers of defects and of cores hit."""

    def chance_of_hitting(d: int, hit: int) -> float:
        """That d defects hit just so many of the cores: surjections, by inclusion and exclusion."""
        sets = (((-1) ** (hit - i)) * comb(hit, i) * (i / cores) ** d for i in range(hit + 1))
        return comb(cores, hit) * sum(sets)

    total = 0.0
    for d in range(400):
        chance = exp(
            lgamma(alpha + d)
            - lgamma(alpha)
            - lgamma(d + 1)
            + d * log(defects / alpha)
            - (alpha + d) * log(1 + defects / alpha)
        )
        for hit in range(cores - needed + 1):
            total += chance * chance_of_hitting(d, hit) * share**d
    return total


@pytest.mark.parametrize(
    ("defects", "cores", "needed", "share", "published"),
    [(0.826, 6, 5, 0.75, 0.726), (0.419, 15, 14, 0.47, 0.79), (0.125, 40, 38, 0.85, 0.98)],
)
def test_published_binned_yields(
    defects: float, cores: int, needed: int, share: float, published: float
) -> None:
    """A100, Sapphire Rapids and an MI300 compute die: CAPA (ISCA 2026)."""
    assert binned_yield(defects, 10, cores, needed, share) == pytest.approx(published, rel=0.01)


@settings(deadline=None, max_examples=60)
@given(
    defects=st.floats(0.01, 3),
    alpha=st.floats(1, 20),
    cores=st.integers(1, 8),
    spare=st.integers(0, 3),
    share=st.floats(0.05, 1),
)
def test_binned_yields_are_sums_over_defects(
    defects: float, alpha: float, cores: int, spare: int, share: float
) -> None:
    needed = max(1, cores - spare)
    expected = slow_binned_yield(defects, alpha, cores, needed, share)
    assert binned_yield(defects, alpha, cores, needed, share) == pytest.approx(expected, rel=1e-8)


def test_without_spare_cores_it_is_the_negative_binomial() -> None:
    for defects in (0.01, 0.5, 2.0):
        assert binned_yield(defects, 10, 8, 8, 0.6) == pytest.approx((1 + defects / 10) ** -10, rel=1e-9)


@pytest.mark.parametrize(("area_mm2", "node_nm", "kg"), [(598, 7, 29.05), (826, 7, 51.45), (100, 7, 2.697)])
def test_good_dies_of_a_wafer(area_mm2: float, node_nm: float, kg: float) -> None:
    """By hand: (642 EPA + GPA + 500) x 706.86 cm2 over dies per wafer and yield, ACT's tables at 97 %."""
    cpa = 642 * 2.15 + 275 + 500
    site = (sqrt(area_mm2) + 0.06) ** 2
    dies = pi * 147**2 / site - 0.51 * pi * 294 / sqrt(site)
    by_hand = cpa * pi * 15**2 / (dies * (1 + area_mm2 / 100 * 0.1 / 10) ** -10)
    found = die_sheet(area_mm2, node_nm, EDGE)["die_gco2e"]
    assert found == pytest.approx(by_hand, rel=1e-12)
    assert found / 1000 == pytest.approx(kg, rel=1e-3)


def test_eco_chips_ga102() -> None:
    """Its logic die, 26.79 kg: 425.01 mm2, 26.13 g/mm2, D0 0.2/cm2 on a 450 mm wafer without edge or kerf.

    ECO-CHIP shares what the wafer's edge wastes among all dies, catx among good ones: 8 % more here.
    """
    area, cpa, wafer = 425.01, 26.13, pi * 225**2
    good = (1 + area / 100 * 0.2 / 10) ** -10
    dies = wafer / area - pi * 450 / sqrt(2 * area)
    shared_by_all = cpa * area / good + cpa * (wafer - int(dies) * area) / dies
    assert shared_by_all / 1000 == pytest.approx(26.79, rel=0.01)
    shared_by_good = cpa * wafer / (dies * good)
    assert shared_by_good / shared_by_all == pytest.approx(1.077, rel=0.01)
    mine = die_sheet(area, 7, replace(EDGE, defects_per_cm2=0.2))
    assert mine["die_yield"] == pytest.approx(good, rel=1e-12)


def interposed(interposer_mm2: float) -> Accelerator:
    assembly = Assembly(kind="interposer", interposer_mm2=interposer_mm2)
    return chip(Technology(node_nm=7, dies=(Die(name="a"),), assembly=assembly), 100.0, "")


def many(count: int) -> Accelerator:
    dies = (Die(name="a", count=count),)
    return chip(Technology(node_nm=7, dies=dies, assembly=Assembly(kind="stack")), 800.0, "")


@pytest.mark.parametrize("name", ["dram", "total", "dies", "bond", "embodied", "fab", "wafer", "die", "line"])
def test_dies_may_have_any_name(name: str) -> None:
    dies = (Die(name=name), Die(name="other", parts=frozenset({"SRAM"})))
    plain = (Die(name="logic"), Die(name="other", parts=frozenset({"SRAM"})))
    found, expected = (
        carbon_of(
            chip(
                Technology(node_nm=7, dram_gb=8, dies=of, assembly=Assembly(kind="stack")), 60.0, "hbm2", 40.0
            ),
            1.0,
            0.1,
            EDGE,
        ).total_gco2e
        for of in (dies, plain)
    )
    assert found == pytest.approx(expected)


def test_googles_tpu_v4() -> None:
    """91.5 kg for the package (Google, as CAPA quotes it); die about 600 mm2, 32 GB in four stacks."""
    technology = Technology(
        node_nm=7, dram_gb=32, dies=(Die(name="asic"),), assembly=Assembly(kind="interposer", memory_stacks=4)
    )
    parts = dict(embodied_parts(chip(technology, 600.0), EDGE))
    assert sum(parts.values()) / 1000 == pytest.approx(91.5, rel=0.1)
    assert set(parts) == {"dies", "dram", "interposer", "bonding", "failed bonds", "packaging"}


def test_gpus_within_a_factor() -> None:
    """A100: 127.6 kg (Falk et al. 2025, 40 GB); H100: 164 kg per GPU, 41 kg of ICs (NVIDIA 2025)."""
    a100 = sum(dict(embodied_parts(load_accelerator("a100_like"), EDGE)).values()) / 1000
    assert 1.0 < a100 / 127.6 < 1.45
    gpu = Die(name="gpu", harvest=Harvest(cores=144, needed=132, share=0.75))
    technology = Technology(
        node_nm=5, dram_gb=80, dies=(gpu,), assembly=Assembly(kind="interposer", memory_stacks=5)
    )
    parts = dict(embodied_parts(chip(technology, 814.0, "hbm3"), EDGE))
    assert sum(parts.values()) / 1000 == pytest.approx(164, rel=0.33)
    assert (parts["dies"] + parts["interposer"]) / 1000 == pytest.approx(41, rel=0.33)


def test_published_carbon_per_area_of_small_dies() -> None:
    """Boakes et al., IEDM 2023: kg/cm2 of good 10 mm x 10 mm dies on a grid of 454 g/kWh."""
    published = {28: 1.38, 20: 1.47, 14: 1.55, 10: 1.78, 7: 2.06, 5: 2.42, 3: 2.74}
    here = replace(EDGE, fab_gco2e_per_kwh=454.0)
    for node_nm, kg in published.items():
        found = die_sheet(100.0, node_nm, here)["die_gco2e"] / 1000
        assert found == pytest.approx(kg, rel=0.19)


@given(area=st.floats(1, 800), more=st.floats(1.01, 1.3), node=st.sampled_from([3, 5, 7, 16, 22, 28, 65]))
def test_larger_dies_emit_more_per_area(area: float, more: float, node: float) -> None:
    if area * more > 858:
        return
    small, large = (die_sheet(size, node, EDGE)["die_gco2e"] for size in (area, area * more))
    assert large > small
    if area > 20:  # below, saw streets weigh more
        assert large / (area * more) > small / area


def test_harvest_saves_carbon() -> None:
    whole = die_sheet(826, 7, EDGE)["die_gco2e"]
    binned = die_sheet(826, 7, EDGE, Harvest(cores=128, needed=108, share=0.75))["die_gco2e"]
    assert 0.5 < binned / whole < 0.8


def test_dies_too_large_to_print() -> None:
    with pytest.raises(SpecError, match="larger than the 858 mm2"):
        die_sheet(900, 7, EDGE)
    assert die_sheet(900, 7, replace(EDGE, embodied="act"))["die_gco2e"] > 0


def test_four_chiplets_waste_less_than_one_die() -> None:
    one = sum(dict(embodied_parts(chip(Technology(node_nm=5), 800.0, dram_type=""), EDGE)).values())
    four = Technology(node_nm=5, dies=(Die(name="quarter", count=4),), assembly=Assembly(kind="substrate"))
    parts = dict(embodied_parts(chip(four, 800.0, dram_type=""), EDGE))
    assert sum(parts.values()) < 0.75 * one
    each = die_sheet(200.0, 5, EDGE)["die_gco2e"]
    assert parts["dies"] == pytest.approx(4 * each)


def test_bad_stacks_and_dies() -> None:
    stacks = Technology(
        node_nm=7, dies=(Die(name="a"),), assembly=Assembly(kind="interposer", memory_stacks=4)
    )
    with pytest.raises(SpecError, match="memory_stacks without a DRAM"):
        embodied_parts(chip(stacks, 100.0, ""), EDGE)
    empty = Technology(node_nm=7, dies=(Die(name="a"), Die(name="b", parts=frozenset({"SRAM"}))))
    with pytest.raises(SpecError, match="die b has no area"):
        embodied_parts(chip(empty, 100.0, ""), EDGE)


def test_nothing_at_all_has_a_report() -> None:
    nothing = replace(EDGE, packaging_gco2e=0.0, embodied="act")
    sheet = carbon_of(chip(Technology(node_nm=22), 0.0, ""), 0.0, 0.0, nothing).sheet
    assert (sheet["total_gco2e"], sheet["embodied_share"]) == (0.0, 0.0)
    busy = replace(nothing, inferences=None, utilization=0.5)
    with pytest.raises(SpecError, match="only where an inference takes time"):
        carbon_of(chip(Technology(node_nm=22), 10.0, ""), 1.0, 0.0, busy)


def test_memory_on_logic() -> None:
    stack = Technology(
        node_nm=5,
        dies=(Die(name="logic"), Die(name="memory", parts=frozenset({"SRAM"}), node_nm=22)),
        assembly=Assembly(kind="stack", bond="hybrid"),
    )
    machine = chip(stack, 60.0, dram_type="", sram_mm2=40.0)
    report = carbon_of(machine, 1.0, 0.01, EDGE)
    logic, memory = die_sheet(60.0, 5, EDGE)["die_gco2e"], die_sheet(40.0, 22, EDGE)["die_gco2e"]
    parts = dict(report.embodied_by_part_gco2e)
    assert parts["dies"] == pytest.approx(logic + memory)
    bonding = 642 * 0.28 * 40 / 100  # the smaller of both
    assert parts["bonding"] == pytest.approx(bonding)
    assert parts["failed bonds"] == pytest.approx((logic + memory + bonding) * (1 / 0.95 - 1))
    assert report.embodied_gco2e == pytest.approx(sum(parts.values()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Technology(node_nm=7, dies=(Die(name="a"), Die(name="b"))), "one die must have no parts"),
        (lambda: Technology(node_nm=7, dies=(Die(name="a"), Die(name="a"))), "one name"),
        (lambda: Die(name="two words"), "letters, digits and _"),
        (lambda: Harvest(cores=4, needed=5, share=0.5), "5 of 4 cores"),
        (lambda: Harvest(cores=4, needed=3, share=1.5), "at most 1"),
        (lambda: Assembly(kind="glue"), "one of substrate, interposer, stack"),  # type: ignore[arg-type]
        (lambda: Assembly(kind="stack", memory_stacks=4), "a stack has no"),
        (
            lambda: chip(
                Technology(node_nm=7, dies=(Die(name="a"), Die(name="b", parts=frozenset({"GLB"})))), 10.0
            ),
            "its part GLB does not exist",
        ),
        (
            lambda: chip(
                Technology(node_nm=7, dies=(Die(name="a"), Die(name="b", parts=frozenset({"DRAM"})))), 10.0
            ),
            "its part DRAM is not on the chip",
        ),
        (lambda: Technology(node_nm=7, assembly=Assembly(kind="stack")), "two dies or more"),
        (lambda: embodied_parts(interposed(90_000.0), EDGE), "interposer of 9e.04 mm2: not even one fits"),
        (lambda: embodied_parts(many(500), EDGE), "hardly one unit works"),
    ],
)
def test_assemblies_that_cannot_be(make: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()  # type: ignore[operator]


def test_a_chip_of_many_dies() -> None:
    """64 dies, the most that a file may have, of long names."""
    dies = (
        Die(name="the_first_of_all_dies"),
        *(Die(name=f"a_die_with_a_long_name_{at}") for at in range(63)),
    )
    with pytest.raises(SpecError, match="one die must have no parts"):
        Technology(node_nm=7, dies=dies)
    rest = tuple(
        Die(name=f"a_die_with_a_long_name_{at}", parts=frozenset({f"SRAM{at}"}), count=1) for at in range(20)
    )
    levels = (
        Memory(name="DRAM", dram_type="hbm2"),
        *(Memory(name=f"SRAM{at}", capacity_bytes=1e6, area_mm2=5.0) for at in range(20)),
    )
    machine = replace(chip(Technology(node_nm=7), 50.0), levels=levels)
    technology = Technology(node_nm=7, dies=(Die(name="logic"), *rest), assembly=Assembly(kind="stack"))
    report = carbon_of(replace(machine, technology=technology), 1.0, 1.0, EDGE)
    assert report.sheet["bonded_mm2"] == pytest.approx(100.0)
    assert report.sheet["bonds"] == 20


@pytest.mark.parametrize(
    ("assembly", "dram", "message"),
    [
        (Assembly(kind="interposer", memory_stacks=2), "lpddr4", "stacks on an interposer are HBM"),
        (
            Assembly(kind="interposer", interposer_mm2=50.0),
            "hbm2",
            "does not carry .* of 100 mm2",
        ),
        (Assembly(kind="interposer", interposer_mm2=200.0, memory_stacks=2), "hbm2", "of 284 mm2"),
    ],
)
def test_interposers_that_do_not_hold_what_they_carry(assembly: Assembly, dram: str, message: str) -> None:
    technology = Technology(node_nm=7, dram_gb=16, dies=(Die(name="a"),), assembly=assembly)
    with pytest.raises(SpecError, match=message):
        embodied_parts(chip(technology, 100.0, dram), EDGE)


def test_what_a_model_of_dies_does_not_know_is_told() -> None:
    gpu = Die(name="gpu", harvest=Harvest(cores=8, needed=7, share=0.5))
    technology = Technology(node_nm=7, dram_gb=16, dies=(gpu,), assembly=Assembly(kind="interposer"))
    machine = chip(technology, 100.0, "hbm2")
    assert left_out(machine, EDGE) == ()
    (told,) = left_out(machine, replace(EDGE, embodied="act"))
    assert told.endswith("leaves out cores that may fail (`harvest`) and the interposer")


def test_binning_of_many_dies_is_that_of_each() -> None:
    defects = [0.001 * at for at in range(4_500)]
    many = binned_yield(defects, 10.0, 8, 7, 0.6)
    for at in (0, 1_999, 2_000, 4_499):
        assert float(many[at]) == pytest.approx(float(binned_yield(defects[at], 10.0, 8, 7, 0.6)))  # type: ignore[index]
