"""Run every benchmark, one after the other, and print their tables.

python -m benchmarks.run_all [--accelforge-python PATH] [--zigzag-python PATH]
"""

import argparse
import subprocess
import sys


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accelforge-python", help="interpreter of an environment that has accelforge")
    parser.add_argument("--zigzag-python", help="interpreter of an environment that has zigzag-dse")
    options = parser.parse_args()
    given = {
        "--accelforge-python": options.accelforge_python,
        "--zigzag-python": options.zigzag_python,
    }
    peers = [part for name, path in given.items() if path for part in (name, path)]
    for name, options in (
        ("startup", []),
        ("kernel", []),
        ("proof", []),
        ("scaling", []),
        ("large_models", []),
        ("fidelity", []),
        ("carbon", []),
        ("pruning", []),
        ("sweep", []),
        ("peers", peers),
    ):
        print(f"\n=== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)


if __name__ == "__main__":
    main()
