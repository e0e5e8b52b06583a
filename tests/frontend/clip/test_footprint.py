"""Energy and carbon of a recovery."""

import pytest

from catx.errors import SpecError
from catx.frontend.clip.footprint import footprint


def test_a_footprint_can_be_redone_on_paper() -> None:
    found = footprint(1800.0, watts=800.0, grid_gco2e_per_kwh=300.0, machines=4)
    assert found.energy_j == 1800 * 800
    assert found.gco2e == pytest.approx(0.4 * 300)  # 1.44 MJ are 0.4 kWh
    assert "1800 s at 800 W (given)" in found.source
    assumed = footprint(3600.0)
    assert assumed.gco2e == pytest.approx(0.0425 * 481)
    assert "ASSUMED" in assumed.source
    assert footprint(3600.0, machines=2).gco2e == pytest.approx(2 * assumed.gco2e)
    with pytest.raises(SpecError, match="watts must be a finite number above 0"):
        footprint(1.0, watts=-5.0)
