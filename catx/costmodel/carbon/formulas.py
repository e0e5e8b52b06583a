"""Formulas of sheets: the text that people read is what is computed.

A formula may have numbers, names of rows above it, + - * / **, parentheses, and the functions below. It is
checked before it runs, so the formulas of a sheet from a file are safe to compute.
"""

import ast
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.carbon.binning import binned_yield
from catx.errors import SpecError
from catx.ir.sheet import Row, Sheet

Number = float | NDArray[np.float64]
"""A value, or one per sample, (samples,)."""

FUNCTIONS: dict[str, Any] = {
    "sqrt": np.sqrt,
    "min": np.minimum,
    "max": np.maximum,
    "binned_yield": binned_yield,
}
"""What formulas may call; each takes numbers or arrays of samples."""

ARGUMENTS = {"sqrt": 1, "min": 2, "max": 2, "binned_yield": 5}
"""How many each of them takes."""

CONSTANTS = {"pi": float(np.pi)}

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub)
_MAX_FORMULA = 20_000


@lru_cache(4096)
def names_in(formula: str) -> tuple[str, ...]:
    """Rows that a formula uses, each once, in their order in the text.

    Raises:
        SpecError: it is no formula, or has anything else than a formula may have.
    """
    tree = _parsed(formula)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    names.sort(key=lambda node: node.col_offset)
    return tuple(dict.fromkeys(node.id for node in names if node.id not in CONSTANTS))


@lru_cache(4096)
def _parsed(formula: str) -> ast.Expression:
    if len(formula) > _MAX_FORMULA:
        raise SpecError(f"a formula of {len(formula):,} characters: at most {_MAX_FORMULA:,} are read")
    try:
        tree = ast.parse(formula, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SpecError(f"not a formula: {formula!r}") from error
    for node in ast.walk(tree):
        if not _allowed(node):
            raise SpecError(f"a formula may not have {type(node).__name__}: {formula!r}")
        if isinstance(node, ast.Constant):
            node.value = _as_float(node.value, formula)  # whole powers of whole numbers never end
    return tree


def _as_float(value: object, formula: str) -> float:
    assert isinstance(value, (int, float))
    try:
        return float(value)
    except OverflowError as error:
        raise SpecError(f"a number without end in the formula {formula[:40]!r}...") from error


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.Call):
        known = isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords
        return known and len(node.args) == ARGUMENTS[cast(ast.Name, node.func).id]
    return isinstance(node, (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, *_ARITHMETIC))


@lru_cache(4096)
def _code(formula: str) -> CodeType:
    try:
        return compile(_parsed(formula), "<formula>", "eval")
    except (RecursionError, MemoryError, ValueError) as error:
        raise SpecError(f"a formula that nests too deeply: {formula[:40]!r}...") from error


def compute(formula: str, values: Mapping[str, Number]) -> Number:
    """The value of a formula.

    Raises:
        SpecError: it is no formula, or uses a name that has no value.
    """
    if unknown := [name for name in names_in(formula) if name not in values]:
        raise SpecError(f"the formula {formula!r} uses {', '.join(unknown)}, which has no value above it")
    used = {name: values[name] for name in names_in(formula)}
    code = _code(formula)
    try:
        with np.errstate(all="ignore"):
            found: Number = eval(code, {"__builtins__": {}} | FUNCTIONS | CONSTANTS, used)
    except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"the formula {formula!r} has no value here: {error}") from error
    if np.iscomplexobj(found) or not np.all(np.isfinite(found)):
        raise SpecError(f"the formula {formula!r} has no finite value here")
    return found


def solve(sheet: Sheet, given: Mapping[str, Number]) -> dict[str, Number]:
    """Values of all rows where some given ones are others than nominal.

    Args:
        sheet: the rows.
        given: values, or (samples,) arrays of them, by the names of rows without a formula.
    """
    values: dict[str, Number] = {}
    for row in sheet.rows:
        if row.formula:
            values[row.name] = compute(row.formula, values)
        else:
            values[row.name] = given.get(row.name, row.value)
    return values


class SheetWriter:
    """Writes a sheet row by row; formulas are computed at once."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._values: dict[str, Number] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def put(self, row: Row) -> None:
        """Add a row; one that is there already must be the same."""
        assert self._rows.get(row.name, row) == row, f"two rows {row.name}"
        self._rows[row.name], self._values[row.name] = row, row.value

    def given(self, name: str, value: float, unit: str, source: str, **more: Any) -> str:
        """Add a number that is given; returns its name."""
        self.put(Row(name=name, unit=unit, value=float(value), source=source, **more))
        return name

    def formula(self, name: str, formula: str, unit: str, source: str = "") -> str:
        """Add a number that follows from rows above; returns its name."""
        value = float(compute(formula, self._values))
        self.put(Row(name=name, unit=unit, value=value, formula=formula, source=source))
        return name

    def value(self, name: str) -> float:
        """The nominal value of a row."""
        return self._rows[name].value

    def sheet(self) -> Sheet:
        """What was written."""
        return Sheet(tuple(self._rows.values()))
