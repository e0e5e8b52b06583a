"""The templates by name, and their expansion into the general form."""

from collections.abc import Callable
from typing import Any

from catx.errors import SpecError
from catx.frontend.hardware.assembled import check_assembled
from catx.frontend.hardware.catransformers import CATransformersSpec, expand_catransformers
from catx.frontend.hardware.document import Document, describe
from catx.frontend.hardware.gpu_like import GpuLikeSpec, expand_gpu_like
from catx.frontend.hardware.problems import fail
from catx.frontend.hardware.spec import GeneralSpec, Spec
from catx.frontend.hardware.systolic import SystolicSpec, expand_systolic
from catx.frontend.hardware.technology import dram_energy_problem
from catx.frontend.hardware.template import General, TemplateSpec
from catx.frontend.hardware.validate import validate
from catx.names import nearest

TEMPLATES: dict[str, tuple[type[Spec], Callable[[Any], General]]] = {
    "catransformers": (CATransformersSpec, expand_catransformers),
    "gpu_like": (GpuLikeSpec, expand_gpu_like),
    "systolic": (SystolicSpec, expand_systolic),
}
"""Model and expansion by the name that `template:` takes."""

SHARED = frozenset(GeneralSpec.model_fields) & frozenset(TemplateSpec.model_fields)
"""Keys that mean the same in a template and in what it expands to: there, problems have their own line."""


def general_form(document: Document) -> tuple[GeneralSpec, Document]:
    """The general form that a file is, or that its template expands to, with the document it stands in.

    Raises:
        SpecError: listing what is wrong in the file.
    """
    if "template" not in document.data:
        return validate(GeneralSpec, document), document
    if "levels" in document.data and "compute" in document.data:
        message = "a template writes levels and compute units itself, and this file has its own"
        hint = "keep either `template`, or `levels` and `compute`"
        fail(document.file, [document.problem(message, ("template",), hint)])
    name = document.data["template"]
    if not isinstance(name, str) or name not in TEMPLATES:
        known = ", ".join(TEMPLATES)
        message = f"no template {describe(name)}{nearest(name, tuple(TEMPLATES))}"
        fail(document.file, [document.problem(message, ("template",), f"the templates are {known}")])
    model, expand = TEMPLATES[name]
    spec = validate(model, document)
    assert isinstance(spec, TemplateSpec)
    check_assembled(spec.technology, document)
    try:
        general = expand(spec)
    except SpecError as error:
        fail(document.file, [document.problem(str(error.args[0]), ("template",), error.hint)])
    shared = {path: line for path, line in document.lines.items() if path[0] in SHARED}
    expanded = Document(document.file, general, {**shared, (): document.line(("template",))})
    _check_dram(document, general)
    return validate(GeneralSpec, expanded), expanded


def _check_dram(document: Document, general: General) -> None:
    """Refuse a type of DRAM whose energy the library does not have, at the key that the user wrote."""
    outermost = general["levels"][0]
    if outermost.get("component") == "dram" and (problem := dram_energy_problem(outermost["dram"])):
        fail(document.file, [document.problem(problem, ("dram",))])
