"""Records of a search, from einsum, accelerator, constraints and what memories keep."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.tiles_kernel import Bench
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import ROLES, Einsum
from catx.mapper.front_kernel import MAX_FRONT
from catx.mapper.limits import Limits
from catx.mapper.mapspace import Kept
from catx.mapper.tree_kernel import DENSE, INSIDE, KEPT, OUTSIDE, STRIDED, TOGETHER, TREE, Tree


def new_tree(einsum: Einsum, accelerator: Accelerator, bench: Bench) -> Tree:
    """A record with what does not depend on kept roles and unrolling."""
    axis_of, coeff = (bench[name][:, : len(einsum.dims)] for name in ("axis_of", "coeff"))
    tree = np.zeros(1, TREE)[0]
    depth = {level.name: index for index, level in enumerate(accelerator.levels)}
    for m, memory in enumerate(accelerator.memories):
        tree["fanouts"][m] = sum(depth[fanout.name] < depth[memory.name] for fanout in accelerator.fanouts)
    extents = list(einsum.extents.values())
    for d in range(len(extents)):
        lacking = [role for role in range(len(ROLES)) if axis_of[role, d] < 0]
        tree["group"][d] = lacking[0] if len(lacking) == 1 else -1
        for role in range(len(ROLES)):
            mates = np.flatnonzero(axis_of[role] == axis_of[role, d])
            if axis_of[role, d] < 0 or len(mates) == 1:
                continue
            tree["halo"][role, d] = 1
            tree["windowed"] |= 1 << role
            dense = all(coeff[role, mate] == 1 for mate in mates)
            tree["windows"][role, axis_of[role, d]] = DENSE if dense else STRIDED
            if d != max(mates, key=lambda mate: (extents[mate], -mate)):
                tree["group"][d] = -1  # a window's span is no product: bounds follow its longest dim alone
    tree["static_w"], tree["second"] = accelerator.static_w, 1.0 / accelerator.clock_hz
    tree["most_front"] = MAX_FRONT
    tree["launch"] = accelerator.launch_s * accelerator.clock_hz
    return tree


def set_limits(tree: Tree, limits: Limits) -> None:
    """Write constraints into a record."""
    axes, dims = limits.factor.shape[:2]
    memories, roles = limits.kept.shape
    tree["factor_least"][:axes, :dims] = limits.factor[..., 0]
    tree["factor_most"][:axes, :dims] = limits.factor[..., 1]
    tree["tile_least"][:memories, :roles, :dims] = limits.tile[..., 0]
    tree["tile_most"][:memories, :roles, :dims] = limits.tile[..., 1]
    tree["order"] = -1
    tree["order"][:memories, :roles, :dims] = limits.order
    tree["limited"], tree["ordered"] = limits.binding, limits.ordered


def kept_record(kept: Kept) -> NDArray[np.void]:
    """What follows from a choice of what memories keep: parents, and stores in layers."""
    record = np.zeros((), KEPT)
    record["layer"] = -1
    record["kept"][: len(kept)] = kept
    for role in range(len(ROLES)):
        keepers = [0, *(m for m in range(1, len(kept)) if kept[m][role])]
        record["inner"][role] = keepers[-1]
        for rank, (parent, memory) in enumerate(pairwise(keepers)):
            record["parent"][memory, role] = parent
            record["layer"][OUTSIDE, rank, role] = memory
            record["layer"][INSIDE, len(keepers) - 2 - rank, role] = memory
            record["layer"][TOGETHER, memory - 1, role] = memory
    layers = record["layer"]
    record["one_layering"] = all(np.array_equal(layers[OUTSIDE], layers[way]) for way in (INSIDE, TOGETHER))
    record["n_layers"] = 1 + np.flatnonzero((layers >= 0).any(axis=(0, 2))).max(initial=-1)
    return record
