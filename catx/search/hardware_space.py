"""Accelerators of a study: a description in which some keys vary."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import islice, product
from typing import Any

import yaml

from catx.errors import SpecError
from catx.frontend.hardware import parse_accelerator
from catx.ir.accelerator import Accelerator
from catx.mapper.family import shape_of
from catx.names import nearest
from catx.search.space import HARDWARE_PREFIX, Gene, Value

_NAMED = ("memory", "fanout", "name", "kind")
"""Keys that entries of lists go by."""


_TRIED = 1000
"""Points of which one must be an accelerator, so that structural keys can be told."""

_KEPT = 1024
"""Accelerators that are kept once they were parsed."""


class HardwareSpace:
    """Accelerators that a description stands for.

    Keys are paths such as `clusters` or `levels.GLB.capacity`; entries of lists go by their names.

    Args:
        base: a hardware description as plain data.
        vary: values by key.
        where: what messages call the description.

    Raises:
        SpecError: the description has no place for a key.
    """

    def __init__(
        self, base: Mapping[str, Any], vary: Mapping[str, Sequence[Value]], where: str = "hardware"
    ) -> None:
        self.base, self.vary, self.where = dict(base), {key: tuple(vary[key]) for key in vary}, where
        self.genes = tuple(Gene(HARDWARE_PREFIX + key, values) for key, values in self.vary.items())
        self.text({gene.name: gene.values[0] for gene in self.genes})
        self._parsed = lru_cache(maxsize=_KEPT)(self._parse)

    def text(self, values: Mapping[str, Value]) -> str:
        """The hw.yaml of a design point."""
        data = deepcopy(self.base)
        for key in self.vary:
            _put(data, key, values[HARDWARE_PREFIX + key], self.where)
        if self.vary and "template" in data:
            for told in ("name", "description", "source"):  # of the base: templates name their points
                data.pop(told, None)
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)

    def accelerator(self, values: Mapping[str, Value]) -> Accelerator:
        """The accelerator of a design point.

        Raises:
            SpecError: what the point's description has wrong.
        """
        return self._parsed(tuple(values[HARDWARE_PREFIX + key] for key in self.vary))

    def _parse(self, point: tuple[Value, ...]) -> Accelerator:
        told = ", ".join(f"{key} {value}" for key, value in zip(self.vary, point, strict=True))
        values = {HARDWARE_PREFIX + key: value for key, value in zip(self.vary, point, strict=True)}
        try:
            return parse_accelerator(self.text(values), f"{self.where} ({told})" if told else self.where)
        except SpecError as error:
            loc = error.loc and replace(error.loc, line=0)  # nobody sees this text, so its lines tell nothing
            raise SpecError(str(error.args[0]), loc=loc, hint=error.hint) from error

    def check(self) -> None:
        """Raise the first error of `wrong`."""
        for key, error in self.wrong():
            raise SpecError(f"{self.where}: {key}: {error.args[0]}", hint=error.hint) if key else error

    def wrong(self) -> Iterator[tuple[str, SpecError]]:
        """Keys of which a value makes no accelerator, and why; a description that is wrong has no key ("").

        A value is wrong where it makes no accelerator with any of some mixes of the other keys' values: of
        middle and ends, and with every value of one of them.
        """
        try:
            _ = self.structural
        except SpecError as error:
            yield from self._alone() or [("", error)]
            return
        for key, values in self.vary.items():
            others = [other for other in self.vary if other != key]
            for value in values:
                mixes = [
                    {HARDWARE_PREFIX + name: one for name, one in zip(others, mix, strict=True)}
                    | {HARDWARE_PREFIX + key: value}
                    for mix in dict.fromkeys(_around([self.vary[other] for other in others]))
                ]
                if not any(self._there(mix) for mix in mixes):
                    yield key, _with(repr(value), self._least_wrong(mixes))

    def _alone(self) -> list[tuple[str, SpecError]]:
        """Keys none of whose values makes an accelerator of a description that is one without any."""
        if _error_of(HardwareSpace(self.base, {}, self.where)):
            return []
        errors = {
            key: _error_of(HardwareSpace(self.base, {key: values}, self.where))
            for key, values in self.vary.items()
        }
        return [(key, _with("any value", error)) for key, error in errors.items() if error]

    def _least_wrong(self, mixes: Sequence[Mapping[str, Value]]) -> SpecError:
        """Why mixes make no accelerator: of the one in which least is wrong."""
        errors = []
        for mix in mixes:
            try:
                self.accelerator(mix)
            except SpecError as error:
                errors.append(error)
        return min(errors, key=lambda error: len(str(error)))

    def references(self, values: Mapping[str, Value]) -> list[Accelerator]:
        """A few accelerators of a point's family (levels and axes), far apart in all other keys.

        They have the middle, the first and the last values, and then mixes of first and last ones; they are
        the same for every point of the family. Of combinations of keys that are no accelerator of it there is
        none; where these are all, the first one that is; the list is empty where none was found.
        """
        others = [key for key in self.vary if key not in self.structural]
        shape = shape_of(self.accelerator(values))

        def there(point: Sequence[Value]) -> Accelerator | None:
            named = {HARDWARE_PREFIX + key: value for key, value in zip(others, point, strict=True)}
            machine = self._there({**values, **named})
            return machine if machine is not None and shape_of(machine) == shape else None

        picks = dict.fromkeys(spread([self.vary[key] for key in others]))
        if found := [machine for pick in picks if (machine := there(pick)) is not None]:
            return found
        every = map(there, islice(product(*(self.vary[key][::-1] for key in others)), _TRIED))
        return list(islice((machine for machine in every if machine is not None), 1))

    @cached_property
    def structural(self) -> frozenset[str]:
        """Keys that change levels or axes of the accelerator.

        Raises:
            SpecError: none of the first points is an accelerator.
        """
        names = [gene.name for gene in self.genes]
        corners = product(*(gene.values[::-1] for gene in self.genes))
        tried = (dict(zip(names, corner, strict=True)) for corner in islice(corners, _TRIED))
        base = next((values for values in tried if self._there(values) is not None), None)
        if base is None:
            base = {gene.name: gene.values[-1] for gene in self.genes}  # whose error is told
        shape = shape_of(self.accelerator(base))

        def changes(key: str, value: Value) -> bool:
            machine = self._there({**base, HARDWARE_PREFIX + key: value})
            return machine is not None and shape_of(machine) != shape

        return frozenset(
            key for key, values in self.vary.items() if any(changes(key, value) for value in values)
        )

    @cached_property
    def structural_names(self) -> tuple[str, ...]:
        """Names of the genes of structural keys."""
        return tuple(HARDWARE_PREFIX + key for key in self.vary if key in self.structural)

    def _there(self, values: Mapping[str, Value]) -> Accelerator | None:
        """The accelerator of a point; None where its description is wrong."""
        try:
            return self.accelerator(values)
        except SpecError:
            return None


def _with(value: str, error: SpecError) -> SpecError:
    """The error of a value, from that of a description with it."""
    place = f"{error.loc.where}: " if error.loc and error.loc.where else ""
    return SpecError(f"no accelerator with {value}: {place}{error.args[0]}", hint=error.hint)


def _error_of(space: HardwareSpace) -> SpecError | None:
    """Why no point of a small space is an accelerator; None where one is."""
    try:
        _ = space.structural
    except SpecError as error:
        return error
    return None


def spread(choices: Sequence[Sequence[Value]]) -> Iterator[tuple[Value, ...]]:
    """Combinations of choices that are far apart: the middle, the first, the last, and mixes of both ends.

    The mixes are a two-level design of four or eight runs: each half of them has the first value of a choice,
    and each quarter those of two (of up to 3 or 7 choices; further ones go with these).
    """
    yield tuple(values[len(values) // 2] for values in choices)
    yield tuple(values[0] for values in choices)
    yield tuple(values[-1] for values in choices)
    columns = 3 if len(choices) <= 3 else 7
    for run in range(columns + 1):
        yield tuple(values[_end(run, 1 + at % columns)] for at, values in enumerate(choices))


def _end(run: int, column: int) -> int:
    """Which end a run of the design has in a column, 0 or -1: signs of Sylvester's Hadamard matrix."""
    return -1 if (run & column).bit_count() % 2 else 0


def _around(choices: Sequence[Sequence[Value]]) -> Iterator[tuple[Value, ...]]:
    """What `spread` tells, and then all that differ from the middle or an end in one choice."""
    mixes = list(spread(choices))
    yield from mixes
    for base in mixes[:3]:
        for at, values in enumerate(choices):
            yield from ((*base[:at], value, *base[at + 1 :]) for value in values)


def _put(data: dict[str, Any], key: str, value: Value, where: str) -> None:
    """Set the value at a path; what is on the way must be there, the key itself need not."""
    *way, last = key.split(".")
    place: Any = data
    for at, part in enumerate(way):
        place = _entry(place, part, ".".join(way[: at + 1]), where)
    if isinstance(place, list):
        raise SpecError(f"{where}: {key} must end in a key, not in an entry of a list")
    if not isinstance(place, dict):
        raise SpecError(f"{where}: {'.'.join(way)} holds no keys, but {place!r}")
    place[last] = value


def _entry(place: Any, part: str, path: str, where: str) -> Any:
    if isinstance(place, dict):
        if part not in place:
            raise SpecError(f"{where}: there is no {path}{nearest(part, place)}")
        return place[part]
    if isinstance(place, list):
        names = [next((str(one[key]) for key in _NAMED if key in one), "") for one in place if one]
        if part not in names:
            raise SpecError(
                f"{where}: no entry is called {path}{nearest(part, names)}",
                hint=f"there are {', '.join(names)}",
            )
        return place[names.index(part)]
    raise SpecError(f"{where}: {path} does not exist: {place!r} has no parts")
