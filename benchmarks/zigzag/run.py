"""Run ZigZag on an ONNX file, in an environment that has it: run.py MODEL ACCELERATOR.yaml MAPPING.yaml.

The last line of its output is JSON: sums over all layers that it costs. Settings are ZigZag's defaults, the
objective is EDP.
"""

import json
import sys
import tempfile
from importlib.metadata import version

from zigzag.api import get_hardware_performance_zigzag

with tempfile.TemporaryDirectory() as folder:
    energy_pj, cycles, layers = get_hardware_performance_zigzag(
        *sys.argv[1:4], opt="EDP", dump_folder=folder, loma_show_progress_bar=False
    )
result = {
    "version": version("zigzag-dse"),
    "energy_pj": energy_pj,
    "cycles": cycles,
    "layers": len(layers[0][1]),
}
print("\n" + json.dumps(result))
