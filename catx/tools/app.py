"""A typer application whose mistakes of use look like every other error: one block, with a way out."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from catx.errors import CatxError, OptionError
from catx.names import listed, nearest
from catx.tools.guard import USER_ERROR, guarded
from catx.tools.streams import tell_error, writes_output

_CLICK_ERROR: Any = typer.BadParameter.__mro__[2]
"""click's base class of mistakes of use; some versions of typer bring a click of their own."""
_WORDS = re.compile(r"unexpected extra argument\S* \((.*)\)")
_COMMAND = re.compile(r"No such command '(.*?)'")
_SHORT_FOR_LONG = re.compile(r"-[a-z][a-z-]+")
SETTINGS: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Verb(TyperCommand):
    """A command whose help is output like any other: to a full disk or a closed pipe it is an error."""

    def get_help(self, ctx: Any) -> str:
        """Write the help; nothing is left to print."""
        return _written(super().get_help, ctx)


class Verbs(TyperGroup):
    """A group of commands, as `Verb`."""

    def get_help(self, ctx: Any) -> str:
        """Write the help; nothing is left to print."""
        return _written(super().get_help, ctx)


@guarded
def _write(show: Callable[[Any], str], context: Any) -> None:
    with writes_output():
        try:
            show(context)
        except SystemExit:  # rich's answer to a reader that has gone away
            raise BrokenPipeError from None


def _written(show: Callable[[Any], str], context: Any) -> str:
    _write(show, context)
    return ""


class App(typer.Typer):
    """An application of verbs that ends in an exit code."""

    def __call__(self, args: Sequence[str] | None = None, *, prog_name: str) -> NoReturn:
        """Run the command line, or these arguments, and exit."""
        command: Any = get_command(self)
        words = sys.argv[1:] if args is None else list(args)
        try:
            _check_dashes(words, command)
            code = command.main(words, prog_name=prog_name, standalone_mode=False)
        except _CLICK_ERROR as error:
            if type(error).__name__ != "NoArgsIsHelpError":  # then the help says it all
                tell_error(_mistake(error))
            code = USER_ERROR
        except OptionError as error:
            tell_error(error)
            code = USER_ERROR
        sys.exit(code or 0)


def _check_dashes(words: Sequence[str], command: Any) -> None:
    """Refuse `-objective x`, which would write into a folder called `bjective`.

    Raises:
        OptionError: a long option has a single dash.
    """
    known = set(_long_options(command))
    for word in words:
        if word == "--":
            return
        name = word.partition("=")[0]
        if _SHORT_FOR_LONG.fullmatch(name) and f"-{name}" in known:
            raise OptionError(f"no such option: {name}; did you mean '-{name}'?", hint="it has two dashes")


def _long_options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        yield from (name for name in parameter.opts if name.startswith("--"))
    for verb in getattr(command, "commands", {}).values():
        yield from _long_options(verb)


def _mistake(error: Any) -> CatxError:
    """The error for what click found wrong with the command line."""
    context = getattr(error, "ctx", None)
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    if context is None:
        return OptionError(message)
    hint = f"`{context.command_path} --help` tells what there is"
    if option := getattr(error, "option_name", "") if type(error).__name__ == "NoSuchOption" else "":
        return _no_option(option, context, hint)
    if wanted := _wanted(error):
        return OptionError(f"{'/'.join(error.param.opts)}: {wanted}", hint=hint)
    if match := _WORDS.search(error.message):
        return _too_many_words(match[1], context, hint)
    if match := _COMMAND.match(error.message):
        return _no_command(match[1], context)
    return OptionError(message, hint=hint)


def _no_option(name: str, context: Any, hint: str) -> CatxError:
    known = [option for parameter in context.command.params for option in parameter.opts]
    for verb, command in getattr(context.command, "commands", {}).items():
        if any(name in parameter.opts for parameter in command.params):
            hint = f"it stands after the command: `{context.command_path} {verb} ... {name}`"
            return OptionError(f"no such option before a command: {name}", hint=hint)
    return OptionError(f"no such option: {name}{nearest(name, known)}", hint=hint)


def _wanted(error: Any) -> str:
    """What a value must be, where typer tells it in the words of pydantic; nothing where it does not."""
    details = getattr(error.__cause__, "errors", None)
    if details is None:
        return ""
    first = details()[0]
    limits = first.get("ctx", {})
    wanted = {
        "int_parsing": "a whole number",
        "int_parsing_size": "a whole number",
        "float_parsing": "a number",
        "greater_than_equal": f"{limits.get('ge')} or more",
        "less_than_equal": f"at most {limits.get('le')}",
    }.get(first["type"])
    return f"expected {wanted}, not {str(first['input'])[:40]!r}" if wanted else ""


def _too_many_words(words: str, context: Any, hint: str) -> CatxError:
    taken = [
        parameter.metavar for parameter in context.command.params if parameter.param_type_name == "argument"
    ]
    where = f"after {taken[-1]}" if taken else f"after `{context.command_path}`"
    return OptionError(
        f"unexpected words {where}: {words}",
        hint=f"options begin with `--`, and a pattern of files stands in quotes; {hint}",
    )


def _no_command(name: str, context: Any) -> CatxError:
    from catx.frontend.models import builtin_models

    verbs = list(context.command.list_commands(context))
    hint = f"the commands are {listed(verbs)}"
    if "compile" in verbs and (name.endswith(".onnx") or name in builtin_models()):
        hint = f"to compile a model: `{context.command_path} compile {name}`"
    return OptionError(f"no such command: {name!r}{nearest(name, verbs)}", hint=hint)
