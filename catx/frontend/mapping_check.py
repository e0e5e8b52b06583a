"""Whether the mappings of a file fit: the models that they are for, and the accelerator."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from catx.errors import Loc, MappingError
from catx.frontend.mapping_file import MappedEinsum, MappingFile, any_order
from catx.frontend.mapping_writer import einsum_text
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.graph import Graph
from catx.ir.passes.set_precision import set_precision


def check_mappings(file: MappingFile, accelerator: Accelerator, graphs: Sequence[Graph] = ()) -> None:
    """Check that every nest is legal on the accelerator, and that every layer of the models has one.

    Raises:
        MappingError: at the line of the first node at fault; where the file was written for another
            accelerator or other models, it says so first.
    """
    _check_nests(file, accelerator)
    _check_layers(file, accelerator, graphs)


def in_order(file: MappingFile, accelerator: Accelerator, graphs: Sequence[Graph]) -> MappingFile:
    """The file with dims in the order that the models have: a file may list them in any."""
    wanted = {any_order(canonical): canonical for canonical in _einsums(graphs, accelerator)}
    entries = (replace(e, einsum=wanted.get(any_order(e.einsum), e.einsum)) for e in file.entries)
    return replace(file, entries=tuple(entries))


def is_for(file: MappingFile, accelerator: Accelerator) -> bool:
    """Whether the file was written for this accelerator, or does not say for which."""
    return file.accelerator_sha256 in ("", fingerprint(accelerator))


def _check_nests(file: MappingFile, accelerator: Accelerator) -> None:
    from catx.costmodel.evaluate import evaluate  # numba is slow to import

    for entry in file.entries:
        try:
            evaluate(entry.einsum, entry.mapping, accelerator)
        except MappingError as error:
            if is_for(file, accelerator):
                place = entry.place(error.node)
                raise MappingError(str(error.args[0]), loc=place, hint=error.hint, node=error.node) from None
            raise _foreign(file, accelerator, entry, error) from None


def _foreign(
    file: MappingFile, accelerator: Accelerator, entry: MappedEinsum, error: MappingError
) -> MappingError:
    """The error of a file that was written for another accelerator."""
    same = file.accelerator == accelerator.name
    other = "another description of it" if same else file.accelerator or "another accelerator"
    return MappingError(
        f"these mappings do not fit {accelerator.name}: they were written for {other}\n"
        f"  {entry.place(error.node)}: {error.args[0]}",
        loc=Loc(file.file),
        hint="give --hw what they were written for, or compile again: `catx compile -o DIR`",
    )


def _check_layers(file: MappingFile, accelerator: Accelerator, graphs: Sequence[Graph]) -> None:
    wanted = _einsums(graphs, accelerator)
    have = file.mappings.keys()
    missing = [canonical for canonical in wanted if canonical not in have]
    if not missing:
        return
    first = wanted[missing[0]]
    layer = f"{_text(einsum_text(first), first.as_written())}, layer {first.name}"
    if len(missing) < len(wanted) or not file.entries:
        raise MappingError(
            f"{len(missing)} of {len(wanted)} einsums have no mapping here: {layer}",
            loc=Loc(file.file),
            hint="every unique einsum needs an entry; `catx compile -o DIR` writes a complete mapping.yaml",
        )
    models = ", ".join(graph.name for graph in graphs)
    entry = file.entries[0]
    raise MappingError(
        f"these mappings are not of {models}: none is for one of its einsums\n"
        f"  {entry.loc.file}:{entry.loc.line}: {_text(entry.loc.where, entry.einsum)}\n"
        f"  {models}: {layer}",
        loc=Loc(file.file),
        hint=f"{_origin(file)}dims follow --dim, element types follow --hw",
    )


def _origin(file: MappingFile) -> str:
    return f"they were written for {', '.join(file.models)} on {file.accelerator}; " if file.models else ""


def _einsums(graphs: Iterable[Graph], accelerator: Accelerator) -> dict[Einsum, Einsum]:
    """The canonical einsums of models at the accelerator's precision, and the first layer of each."""
    layers: dict[Einsum, Einsum] = {}
    for graph in graphs:
        typed = set_precision(graph, accelerator.precision) if accelerator.precision else graph
        for op in typed.ops:
            if isinstance(op, Einsum):
                layers.setdefault(op.canonical(), op)
    return layers


def _text(written: str, einsum: Einsum) -> str:
    """An einsum as it is written, with its dims and element types."""
    dims = " ".join(f"{dim}={extent}" for dim, extent in einsum.dims)
    first, second, out = (operand.dtype for operand in einsum.operands)
    return f"{written} with {dims}, {first} x {second} -> {out}"
