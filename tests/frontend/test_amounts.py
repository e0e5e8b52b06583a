"""Counts and shares of what there is."""

import numpy as np
import pytest

from catx.errors import OptionError
from catx.frontend.amounts import count_of, size_of


@pytest.mark.parametrize("share", [0.3, np.float64(0.3), np.float32(0.3)])
def test_shares_in_single_precision_are_meant_as_they_are_written(share: float) -> None:
    assert size_of(share, 10, "width") == 3
    assert type(size_of(share, 10, "width")) is int


@pytest.mark.parametrize("there", [48, 768, 14_336])
def test_shares_that_a_hint_offers_are_taken(there: int) -> None:
    with pytest.raises(OptionError) as caught:
        size_of(0.2913, there, "ffn")
    for offered in caught.value.hint.split(";")[0].split(", "):
        share, size = offered.split(" is ")
        assert size_of(float(share), there, "ffn") == int(size)


@pytest.mark.parametrize("share", [1e-9, 1e-7, 0.30001, 0.29999])
def test_shares_that_are_no_whole_number(share: float) -> None:
    with pytest.raises(OptionError, match=r"ffn: .* of 1000 is .*, no whole number"):
        size_of(share, 1000, "ffn")


@pytest.mark.parametrize("wanted", [True, np.bool_(True), "2", 2 + 0j])
def test_what_is_no_number(wanted: object) -> None:
    with pytest.raises(OptionError, match="heads must be a whole number"):
        count_of(wanted, 4, "heads")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="width must be a whole number"):
        size_of(wanted, 4, "width")  # type: ignore[arg-type]
