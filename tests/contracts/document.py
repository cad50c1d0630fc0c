"""The OpenAPI document as the code generates it, once per run."""

import json
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def document() -> dict[str, Any]:
    """The document as its readers get it."""
    generated = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(OpenApiJsonRenderer().render(generated))


def operations() -> set[str]:
    """Every operation of the document, such as `POST /api/auth/login/`."""
    return {
        f"{method.upper()} {path}" for path, item in document()["paths"].items() for method in METHODS if method in item
    }
