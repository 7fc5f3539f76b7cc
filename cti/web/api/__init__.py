"""The routes under /api/v1, one module a subject; `cti.web.openapi` describes them."""
