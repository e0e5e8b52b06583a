"""Which weights a model of torch has."""

from hashlib import sha256

from torch import nn


def weights_sha256(model: nn.Module) -> str:
    """Hash of all weights, by their names."""
    found = sha256()
    for name, weight in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
