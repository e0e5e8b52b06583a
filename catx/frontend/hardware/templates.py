"""The templates by name, and their expansion into the general form."""

from collections.abc import Callable
from typing import Any

from catx.errors import SpecError
from catx.frontend.hardware.catransformers import CATransformersSpec, expand_catransformers
from catx.frontend.hardware.document import Document, describe
from catx.frontend.hardware.gpu_like import GpuLikeSpec, expand_gpu_like
from catx.frontend.hardware.problems import fail
from catx.frontend.hardware.spec import GeneralSpec, Spec
from catx.frontend.hardware.systolic import SystolicSpec, expand_systolic
from catx.frontend.hardware.template import General
from catx.frontend.hardware.validate import validate
from catx.names import nearest

TEMPLATES: dict[str, tuple[type[Spec], Callable[[Any], General]]] = {
    "catransformers": (CATransformersSpec, expand_catransformers),
    "gpu_like": (GpuLikeSpec, expand_gpu_like),
    "systolic": (SystolicSpec, expand_systolic),
}
"""Model and expansion by the name that `template:` takes."""


def general_form(document: Document) -> tuple[GeneralSpec, Document]:
    """The general form that a file is, or that its template expands to, with the document it stands in.

    Raises:
        SpecError: listing what is wrong in the file.
    """
    if "template" not in document.data:
        return validate(GeneralSpec, document), document
    name = document.data["template"]
    if not isinstance(name, str) or name not in TEMPLATES:
        known = ", ".join(TEMPLATES)
        message = f"no template {describe(name)}{nearest(name, tuple(TEMPLATES))}"
        fail(document.file, [document.problem(message, ("template",), f"the templates are {known}")])
    model, expand = TEMPLATES[name]
    spec = validate(model, document)
    try:
        expanded = Document(document.file, expand(spec), {(): document.line(("template",))})
    except SpecError as error:
        fail(document.file, [document.problem(str(error.args[0]), ("template",), error.hint)])
    return validate(GeneralSpec, expanded), expanded
