"""Errors a user can fix. Anything else is a bug in catx and surfaces as a traceback."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loc:
    """A place in the user's input: a file, and optionally a line and an ONNX node or YAML key inside it."""

    file: str
    where: str = ""
    line: int = 0

    def __str__(self) -> str:
        file = f"{self.file}:{self.line}" if self.line else self.file
        return f"{file} [{self.where}]" if self.where else file


class CatxError(Exception):
    """Base class of every error that catx raises on purpose: a message, a place and a hint."""

    def __init__(self, message: str, *, loc: Loc | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.loc, self.hint = loc, hint

    def __str__(self) -> str:
        head = f"{self.loc}: {self.args[0]}" if self.loc else str(self.args[0])
        return f"{head}\n  hint: {self.hint}" if self.hint else head


class GraphError(CatxError):
    """An illegal graph, op or operand."""


class ModelError(CatxError):
    """A model file that cannot be read or lowered."""


class UnknownOpError(ModelError):
    """A model node whose operator catx does not cost; `--allow-unknown` costs its data movement."""


class SpecError(CatxError):
    """An accelerator or scenario description that is malformed or inconsistent."""


class MappingError(CatxError):
    """A mapping that is illegal for its einsum and accelerator, or an op for which none exists.

    `node` is the place in the mapping's nodes of the one at fault, where one is.
    """

    def __init__(
        self, message: str, *, loc: Loc | None = None, hint: str = "", node: int | None = None
    ) -> None:
        super().__init__(message, loc=loc, hint=hint)
        self.node = node


class OptionError(CatxError):
    """An option of the command line or the Python API with a value that does not fit."""


class OutputError(CatxError):
    """A result that cannot be written: no room, no permission, something of the user's in its place."""
