"""Which nests make up the mapspace of docs/mapper.md: of those that are legal, the regular ones."""

from catx.ir.mapping import Loop, Mapping, Store


def regular(mapping: Mapping) -> bool:
    """Whether a nest without trivial loops has one loop over a dim per gap, and one per axis.

    Stores and fanouts that are used part a nest into gaps. Between the loops of a fanout over a dim stands no
    temporal loop over it.
    """
    looped, fanouts = set[str](), set[str]()
    along, done = set[tuple[str, str, str]](), set[tuple[str, str]]()
    for node in mapping.nodes:
        if isinstance(node, Store):
            looped.clear()
        elif node.spatial:
            if node.fanout not in fanouts:
                looped.clear()
            elif node.dim in looped:  # it may as well stand above the fanout, where it counts
                return False
            place = node.fanout, node.axis, node.dim
            if place in along or (node.fanout, node.dim) in done:
                return False
            fanouts.add(node.fanout)
            along.add(place)
        else:
            if node.dim in looped:
                return False
            looped.add(node.dim)
            done.update((fanout, dim) for fanout, _, dim in along if dim == node.dim)
    return True


def plain(mapping: Mapping) -> bool:
    """Whether temporal loops over one dim that follow each other cut tiles that divide the larger ones.

    Whatever the rules of docs/mapper.md bring together, they are one loop then.
    """
    last = dict[str, Loop]()
    for node in mapping.nodes:
        if isinstance(node, Loop):
            above = last.get(node.dim)
            if above and not above.spatial and not node.spatial and above.tile % node.tile:
                return False
            last[node.dim] = node
    return True
