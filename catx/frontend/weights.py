"""Which weights a model of torch has, and files of them."""

from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from torch import Tensor, nn

from catx.names import listed


def weights_sha256(model: nn.Module) -> str:
    """Hash of all weights, by their names."""
    found = sha256()
    for name, weight in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def save_weights(weights: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a new file of safetensors, which others may read as the process' other files.

    Raises:
        FileExistsError: there is one.
    """
    from safetensors.torch import save_file

    path.open("xb").close()
    mode = path.stat().st_mode  # as the umask says; safetensors makes files that their owner alone reads
    with ExitStack() as broken_off:
        broken_off.callback(path.unlink, missing_ok=True)
        save_file({name: weight.contiguous() for name, weight in weights.items()}, path, metadata)
        path.chmod(mode)
        broken_off.pop_all()


def difference(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], owner: str) -> str:
    """The first weight of a state dict that is not as its owner wants it; empty where all are."""
    if not state.keys() & wanted.keys():
        return f"none of its weights is of {owner}, the first is {next(iter(state), 'missing')}"
    for name, weight in wanted.items():
        there = state.get(name)
        # one number may be a scalar or a vector
        if there is not None and there.shape != weight.shape and not there.numel() == weight.numel() == 1:
            return f"{name} is {list(there.shape)}, and {list(weight.shape)} in {owner}"
    for what, names, others in (("lacks", wanted, state), ("has besides", state, wanted)):
        if odd := [name for name in names if name not in others]:
            return f"it {what} {listed(odd, 3)}"
    return ""
