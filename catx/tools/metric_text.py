"""Metrics and genes of a search as people read them: names, units, and numbers in these."""

from collections.abc import Sequence
from dataclasses import dataclass

from catx.search.metrics import metric
from catx.search.space import Gene
from catx.search.study import Limit
from catx.tools.human import grams, scale_of, si, significant

_TOLD = {
    "accuracy": ("accuracy", ""),
    "latency_s": ("latency", "s"),
    "energy_j": ("energy", "J"),
    "edp_js": ("energy-delay product", "J s"),
    "area_mm2": ("area", "mm\N{SUPERSCRIPT TWO}"),
    "total_gco2e": ("total carbon", "g"),
    "embodied_gco2e": ("embodied carbon", "g"),
    "operational_gco2e": ("operational carbon", "g"),
    "per_inference_gco2e": ("carbon per inference", "g"),
    "static_w": ("static power", "W"),
    "power_w": ("mean power", "W"),
    "peak_tops": ("peak rate", "TOPS"),
    "parameters": ("parameters", ""),
    "macs": ("MACs", ""),
    "utilization": ("utilization", ""),
}
"""What a metric is called in a picture, and its unit."""

_PLAIN = ("accuracy", "area_mm2", "peak_tops", "utilization")
"""Metrics that are told without prefixes."""

_CO2E = "CO\N{SUBSCRIPT TWO}e"
_TONNE = 1e6


def in_unit(name: str, value: float) -> str:
    """A number of a metric, with its unit.

    >>> in_unit("latency_s", 0.00123), in_unit("area_mm2", 12.3), in_unit("accuracy", 0.5)
    ('1.23 ms', '12.3 mm2', '0.500')
    """
    dimension = metric(name).dimension
    if dimension == "mass of CO2e":
        return grams(value)
    unit = {"time": "s", "energy": "J", "power": "W"}.get(dimension)
    if unit:
        return si(value, unit)
    return f"{significant(value)} mm2" if dimension == "area" else significant(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """How a metric is drawn: values are divided by `factor`; `label` is its name and unit."""

    name: str
    factor: float
    label: str
    unit: str

    def of(self, value: float) -> float:
        """A value in the label's unit."""
        return value / self.factor

    def bound(self, limit: Limit) -> str:
        """A constraint of the metric in words."""
        sign = "\N{LESS-THAN OR EQUAL TO}" if limit.side == "most" else "\N{GREATER-THAN OR EQUAL TO}"
        return f"{self.words} {sign} {self.of(limit.bound):.4g}{f' {self.unit}' if self.unit else ''}"

    @property
    def words(self) -> str:
        """The name without its unit."""
        return words(self.name)


def words(name: str) -> str:
    """What a metric is called in a picture."""
    return _TOLD[name][0] if name in _TOLD else name


def broken(label: str) -> str:
    """A label in two lines: its unit, or what is said of it, in the second one."""
    return label.replace(" [", "\n[").replace(" (", "\n(")


def gene_words(gene: Gene) -> str:
    """What a gene is called in a picture."""
    return gene.name.partition(".")[2].replace("_", " ")


def scale_for(name: str, values: Sequence[float]) -> Scale:
    """The unit that suits values of a metric, in base units: with the prefix of the one in their middle."""
    text, unit = _TOLD.get(name, (name, ""))
    middle = sorted(map(abs, values))[len(values) // 2] if values else 0.0
    if name in _PLAIN or name not in _TOLD:
        factor, prefix = 1.0, ""
    elif unit == "g" and middle >= _TONNE:
        factor, prefix = scale_of(middle / _TONNE, largest="k")
        factor, unit = factor * _TONNE, "t"
    else:
        factor, prefix = scale_of(middle)
    shown = prefix.replace("u", "\N{MICRO SIGN}") + unit + (_CO2E if unit in ("g", "t") else "")
    return Scale(name, factor, f"{text} [{shown}]" if shown else text, shown)
