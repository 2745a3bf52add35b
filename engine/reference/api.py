"""The page of the API: the same list of operations that serves it."""

from engine.reference.markdown import code, page, table
from engine.reference.shapes import allowed
from engine.web.api.openapi import document
from engine.web.api.problems import BASE
from engine.web.api.routes import OPERATIONS


def api_page() -> str:
    """Every operation, with what it takes and answers."""
    told = document(OPERATIONS, BASE, "")
    parts = []
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            rows = [(code(each["name"]), each["in"], allowed(each["schema"])) for each in one["parameters"]]
            parts += [
                f"## {method.upper()} {path}",
                f"{one['summary']}.",
                table(("parameter", "in", "what it may be"), rows),
            ]
            parts.append(f"Answers {', '.join(code(status) for status in one['responses'])}.")
    return page(
        "API",
        told["info"]["description"],
        "The board serves it. Its OpenAPI 3.1 document, with every field, is at `/api/openapi.json`. What goes wrong is"
        " `application/problem+json`. Lists are given page by page: `next` is the `cursor` of what follows.",
        *parts,
    )
