"""What a component costs: energy per byte or operation, leakage, area, and where the numbers come from."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentNumbers:
    """Costs of one instance of a component.

    Storage has energies per byte [J/byte], compute per operation [J]; what does not apply is 0.
    `static_w` is leakage (of DRAM: background power) [W], `area_mm2` is die area [mm2].
    `port_bytes_per_cycle` is the most that it reads and writes together [byte/cycle]; infinite where the data
    do not say. `access_s` is the time from an address to its word [s]; 0 where the data do not say.
    `source` names the data, the node that they were made for, and how far they were scaled.
    """

    read_j_per_byte: float = 0.0
    write_j_per_byte: float = 0.0
    j_per_op: float = 0.0
    static_w: float = 0.0
    area_mm2: float = 0.0
    port_bytes_per_cycle: float = inf
    access_s: float = 0.0
    source: str
