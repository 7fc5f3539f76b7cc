"""The OpenAPI 3.1 document, made from the table of routes: what is served and what is described cannot differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from cti.web.routes import ANY, MACHINE, PUBLIC, Route

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "text", "text_en"],
            "properties": {"code": {"type": "string"}, "text": {"type": "string"}, "text_en": {"type": "string"}},
        }
    },
}


def document(routes: Sequence[Route], prefix: str, version: str) -> dict[str, Any]:
    """The document of these routes, served under `prefix`."""
    types = [t for r in routes for t in (r.body, r.answer) if t is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = iter(schemas)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation: dict[str, Any] = {
            "operationId": _name(route),
            "summary": route.summary,
            "x-right": route.right,
            "security": [] if route.right == PUBLIC else [{"token" if route.right == MACHINE else "session": []}],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"{(\w+)}", route.path)
            ]
            + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in route.query],
        }
        if route.method != "GET" and route.right != MACHINE:
            operation["parameters"].append(
                {
                    "name": "X-Requested-With",
                    "in": "header",
                    "required": True,
                    "schema": {"type": "string", "const": "thirteen"},
                }
            )
        if route.body is not None:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": next(schema_of)}},
            }
        good: dict[str, Any] = {"description": "Done"}
        if route.answer is not None:
            good["content"] = {"application/json": {"schema": next(schema_of)}}
        operation["responses"] = {str(route.status): good, "default": {"$ref": "#/components/responses/Refused"}}
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Thirteen", "version": version},
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"Refused": {"description": "Refused", "content": {"application/json": {"schema": ERROR}}}},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-cti"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
        "x-rights": {"open": PUBLIC, "every session": ANY, "other programs": MACHINE},
    }


def _name(route: Route) -> str:
    words = re.findall(r"\w+", route.path.replace("{", "by_"))
    return "_".join((route.method.lower(), *words))
