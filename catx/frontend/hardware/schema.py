"""The JSON schema of hardware files, with which editors complete and check them."""

import json
from typing import Any


def accelerator_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a hardware file: the general form, or any template."""
    from pydantic import BaseModel  # pydantic is slow to import
    from pydantic.json_schema import models_json_schema

    from catx.frontend.hardware.spec import GeneralSpec
    from catx.frontend.hardware.templates import TEMPLATES

    models: list[type[BaseModel]] = [GeneralSpec, *(model for model, _ in TEMPLATES.values())]
    references, schema = models_json_schema([(model, "validation") for model in models], by_alias=True)
    plain: dict[str, Any] = _without_null(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "catx hardware file",
        "anyOf": [references[model, "validation"] for model in models],
        **plain,
    }


def schema_text() -> str:
    """The schema as it is shipped in `catx/data/hw.schema.json`."""
    return json.dumps(accelerator_schema(), indent=1, sort_keys=True) + "\n"


def _without_null(schema: Any) -> Any:
    """A key that is not needed is left out of the file; null is no value of it."""
    if isinstance(schema, list):
        return [_without_null(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _without_null(value) for key, value in schema.items() if (key, value) != ("default", None)}
    options = plain.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        left = [option for option in options if option != {"type": "null"}]
        plain.pop("anyOf")
        plain |= left[0] if len(left) == 1 else {"anyOf": left}
    return plain
