import os
import warnings
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

if find_spec("torch") is None or find_spec("open_clip") is None:
    collect_ignore_glob = ["test_*"]  # these tests need catx[clip]
elif "PYTEST_XDIST_WORKER" in os.environ:
    import torch

    torch.set_num_threads(1)  # workers that share cores with threads of each other crawl


@pytest.fixture(autouse=True)
def _warnings_of_others() -> Iterator[None]:
    """Warnings of torch and open_clip are theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
