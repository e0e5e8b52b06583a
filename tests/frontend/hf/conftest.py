import os
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

if find_spec("torch") is None or find_spec("transformers") is None:
    collect_ignore_glob = ["test_*"]  # these tests need catx[hf]
elif "PYTEST_XDIST_WORKER" in os.environ:
    import torch

    torch.set_num_threads(1)  # workers that share cores with threads of each other crawl

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _warnings_of_others() -> Iterator[None]:
    """Warnings of torch and transformers are theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line: exit code, standard output, standard error."""
    from catx.tools import cli

    def call(*args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.catx([str(arg) for arg in args], prog_name="catx")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call
