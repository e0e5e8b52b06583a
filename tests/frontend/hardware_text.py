"""A small complete hardware file, and edits of it, for tests."""

BASE = """\
name: small
clock: 500 MHz
precision: int8
technology: {node: 22 nm, dram: 2 GB}
levels:
  - memory: DRAM
    dram: lpddr4
    bandwidth: 10 GB/s
    energy: 32 pJ/B
  - memory: GLB
    capacity: 1 MiB
    read_bandwidth: 64 B/cycle
    write_bandwidth: 16 GB/s
    read_energy: 3 pJ/B
    write_energy: 4 pJ/B
    static_power: 5 mW
    area: 0.9 mm2
    double_buffered: true
  - fanout: array
    axes:
      - {name: row, size: 8, dims: [reduction]}
      - {name: column, size: 4, dims: [weight_output, x], multicast: [input], reduces: false}
    link_bandwidth: 128 B/cycle
    link_energy: 0.1 pJ/B
    area: 0.2 mm2
  - memory: Register
    capacity: 4 B
    keeps: [weight, output]
    optional: [output]
    bandwidth: unlimited
    energy: 0.05 pJ/B
    area: 10 um2
compute:
  matrix:
    name: MAC
    rates:
      int8: {macs_per_cycle: 1, energy: 0.2 pJ, accumulator: int32}
      fp16: {macs_per_cycle: 0.5, energy: 1 pJ}
    pipeline_cycles: 11
    static_power: 1 uW
    area: 100 um2
  vector:
    name: VPU
    memory: GLB
    lanes: 16
    energy: 0.5 pJ
    area: 0.1 mm2
launch_overhead: 2 us
other_area: 1 mm2
"""


def edited(*edits: tuple[str, str], text: str = BASE) -> str:
    """The text with replacements, each of which must apply."""
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
