"""What is imported when: `import catx` nothing but the standard library, a warm compile no compiler."""

import subprocess
import sys

import catx

_COMPILE = """
import contextlib, io, sys
from catx.tools.cli import compile_main
sys.argv = ["catx-compile", "clip_vit_b16_text"]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    compile_main()
"""


def _imported(code: str) -> set[str]:
    """Top-level modules of a fresh interpreter that ran some code."""
    tell = "import sys\nprint(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True, timeout=300
    )
    return set(done.stdout.split())


def test_importing_catx_imports_no_other_package() -> None:
    assert _imported("import catx") - _imported("") - sys.stdlib_module_names == {"catx"}


def test_a_warm_compile_imports_no_compiler() -> None:
    catx.compile_model("clip_vit_b16_text")
    imported = _imported(_COMPILE)
    assert {"catx", "rich"} <= imported
    assert imported.isdisjoint({"numba", "llvmlite", "networkx", "torch"})
