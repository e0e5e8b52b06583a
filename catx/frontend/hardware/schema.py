"""The JSON schema of hardware files, with which editors complete and check them."""

import json
from importlib.resources import files
from typing import Any

SHIPPED = "hw.schema.json"


def accelerator_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a hardware file: the general form, or any template."""
    from pydantic import BaseModel  # pydantic is slow to import
    from pydantic.json_schema import models_json_schema

    from catx.frontend.hardware.spec import GeneralSpec
    from catx.frontend.hardware.templates import TEMPLATES

    models: list[type[BaseModel]] = [GeneralSpec, *(model for model, _ in TEMPLATES.values())]
    references, schema = models_json_schema([(model, "validation") for model in models], by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "catx hardware file",
        "anyOf": [references[model, "validation"] for model in models],
        **schema,
    }


def schema_text() -> str:
    """The schema as it is shipped in `catx/data/hw.schema.json`."""
    return json.dumps(accelerator_schema(), indent=1, sort_keys=True) + "\n"


def shipped_schema() -> str:
    """The shipped file's text."""
    return files("catx.data").joinpath(SHIPPED).read_text(encoding="utf-8")
