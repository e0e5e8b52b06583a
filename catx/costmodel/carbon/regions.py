"""Intensity of the electricity grids of countries and regions, with attribution."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from catx.errors import SpecError
from catx.names import unknown_name


@dataclass(frozen=True, slots=True)
class Region:
    """A grid's yearly mean intensity [gCO2e/kWh], and who published it."""

    name: str
    code: str
    gco2e_per_kwh: float
    year: int
    source: str

    @property
    def told(self) -> str:
        """Where the number comes from, in one line."""
        return f"{self.name}, {self.year}: {self.source}"


@cache
def regions() -> dict[str, Region]:
    """The regions in catx/data/carbon/regions.csv by name."""
    text = files("catx.data").joinpath("carbon/regions.csv").read_text(encoding="utf-8")
    return {
        row["region"]: Region(
            row["region"], row["code"], float(row["gco2e_per_kwh"]), int(row["year"]), row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }


def region(name: str) -> Region:
    """A region by its name, or a country by its code of three letters.

    >>> region("France").gco2e_per_kwh, region("FRA").name
    (56.039, 'france')

    Raises:
        SpecError: there is none; the message tells the nearest ones.
    """
    known = regions()
    wanted = name.strip().lower().replace("_", " ")
    if wanted in known:
        return known[wanted]
    for one in known.values():
        if len(one.code) == 3 and one.code.lower() == wanted:
            return one
    raise unknown_name("region", name, known, error=SpecError)
