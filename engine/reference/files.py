"""The pages of keys: what may stand in the files that users edit, from the tables that their readers use."""

from collections.abc import Mapping
from typing import Any

from engine.core.conditions import OPERATORS
from engine.core.events import SIGNALS
from engine.core.fields import LEAD_FIELDS, event_fields
from engine.core.modelschema import model_schema
from engine.core.names import CANONICAL
from engine.notify.notifyschema import notify_schema
from engine.reference.markdown import code, page, table
from engine.reference.shapes import keys
from engine.routing.routingschema import routing_schema

LANGUAGE = "../../config/README.md"
_READ = (
    "`NAME` is a name of your own, `[]` an entry of a list. What each key means, with examples, is in"
    f" [`config/README.md`]({LANGUAGE})"
)


def model_page() -> str:
    """Every key of a model, and every word that it may use."""
    return page(
        "Keys of model.yaml",
        f"{_READ}; `heatline model check` finds every mistake.",
        _table(model_schema()),
        "## Words",
        *_words("Names of events", "Others keep their own name, in snake case.", CANONICAL),
        *_words("Signals", "What Heatline derives by itself.", SIGNALS),
        *_words("Operators of conditions", "Besides `any`, `all` and `not`.", OPERATORS),
        *_words("Fields of an event", "Besides `properties.*` and `traits.*`.", event_fields().known),
        *_words("Fields of a lead", "Besides `traits.*`, `counts.*` and `points.*`.", LEAD_FIELDS.known),
    )


def routing_page() -> str:
    """Every key of routing."""
    return page(
        "Keys of routing.yaml",
        f"{_READ}; `heatline routing check` finds every mistake.",
        _table(routing_schema()),
    )


def notify_page() -> str:
    """Every key of what people are told."""
    return page(
        "Keys of notify.yaml",
        f"{_READ}; `heatline notify check` finds every mistake.",
        _table(notify_schema()),
    )


def _table(schema: Mapping[str, Any]) -> str:
    rows = [(code(one.path), one.allowed, "yes" if one.required else "") for one in keys(schema)]
    return table(("key", "what it may be", "needed"), rows)


def _words(title: str, told: str, words: Any) -> list[str]:
    return [f"### {title}", told, ", ".join(code(word) for word in sorted(words))]
