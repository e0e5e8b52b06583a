"""Run every benchmark, one after the other, and print their tables.

python -m benchmarks.run_all [--zigzag-python PATH]
"""

import argparse
import subprocess
import sys


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zigzag-python", help="interpreter of an environment that has zigzag-dse")
    path = parser.parse_args().zigzag_python
    zigzag = ["--zigzag-python", path] if path else []
    for name, options in (
        ("startup", []),
        ("kernel", []),
        ("proof", []),
        ("versus_accelforge", []),
        ("versus_zigzag", zigzag),
    ):
        print(f"\n=== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)


if __name__ == "__main__":
    main()
