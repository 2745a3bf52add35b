"""The JSON Schemas of what Heatline accepts: visitor events from any Segment-speaking source, feedback from reps.

They state what a sender can rely on. Reading is more lenient in places: fields that nobody reads may hold anything.
"""

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NO_TIME = "RFC 3339; null counts as missing."
_ID = {"type": ["string", "null"], "maxLength": 500}
_NAME = {"type": "string", "minLength": 1, "maxLength": 500}
_TEXT = {"type": ["string", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time", "description": _NO_TIME}
_OBJECT = {"type": ["object", "null"]}


def _objects_of(*names: str) -> dict[str, Any]:
    return {"type": ["object", "null"], "properties": dict.fromkeys(names, _TEXT)}


_CALL: dict[str, Any] = {
    "title": "A call of the Segment spec",
    "type": "object",
    "properties": {
        "type": {"enum": ["track", "page", "screen", "identify", "group", "alias"]},
        "event": {**_TEXT, "description": "The name of a track event, such as Order Completed."},
        "messageId": {**_TEXT, "description": "The same for each repeat of an event; it is counted once."},
        "anonymousId": {**_ID, "description": "The browser or device. This or userId is needed."},
        "userId": {**_ID, "description": "The person, once known."},
        "timestamp": {**_TIME, "description": "When it happened; used where not all three below are there."},
        "originalTimestamp": {**_TIME, "description": "When it happened, by the device's clock."},
        "sentAt": {**_TIME, "description": "When the device sent it, by the same clock."},
        "receivedAt": {**_TIME, "description": "When the collector received it."},
        "context": {
            "type": ["object", "null"],
            "properties": {
                "page": _objects_of("path", "url", "title", "referrer", "search"),
                "campaign": _objects_of("source", "medium", "name", "term", "content"),
                "channel": {
                    **_TEXT,
                    "description": "Where it comes from: web, server, mobile, email, import, phone, chat or event.",
                },
            },
        },
        "properties": _OBJECT,
        "traits": _OBJECT,
    },
    "required": ["type"],
    "if": {"properties": {"type": {"const": "track"}}},
    "then": {"properties": {"event": {"type": "string", "minLength": 1}}, "required": ["event"]},
}


def _named(key: str) -> dict[str, Any]:
    return {"properties": {key: _NAME}, "required": [key]}


_VISITOR_EVENTS: dict[str, Any] = {
    "$schema": DIALECT,
    "$id": "urn:heatline:schema:visitor-events",
    "title": "Visitor event",
    "description": "A call of the Segment spec: bare, in RudderStack's wrapper, or as the data of a CloudEvent. "
    "At most 256 KiB and 64 levels deep. In CloudEvents' binary mode the value is the bare call.",
    "anyOf": [{"$ref": "#/$defs/identified"}, {"$ref": "#/$defs/rudderstack"}, {"$ref": "#/$defs/cloudevent"}],
    "$defs": {
        "call": _CALL,
        "identified": {
            "title": "A call that says whom it is about",
            "allOf": [{"$ref": "#/$defs/call"}, {"anyOf": [_named("anonymousId"), _named("userId")]}],
        },
        "rudderstack": {
            "title": "RudderStack's wrapper",
            "type": "object",
            "properties": {
                "message": {"$ref": "#/$defs/call"},
                "userId": _ID,
                "topic": _TEXT,
                "type": {"type": "null"},
            },
            "required": ["message"],
            "anyOf": [{"properties": {"message": {"$ref": "#/$defs/identified"}}}, _named("userId")],
        },
        "cloudevent": {
            "title": "A structured CloudEvent",
            "type": "object",
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string", "minLength": 1},
                "source": {"type": "string", "minLength": 1},
                "type": {"type": "string", "minLength": 1},
                "data": {"$ref": "#/$defs/identified"},
            },
            "required": ["specversion", "id", "source", "type", "data"],
        },
    },
}

_INSTANT = {"type": "string", "format": "date-time"}
_SAYINGS: dict[str, dict[str, Any]] = {
    "rep.available": {},
    "rep.away": {"until": _INSTANT},
    "lead.accepted": {},
    "lead.declined": {"reason": _TEXT},
    "lead.contacted": {"channel": _TEXT},
    "lead.snoozed": {"until": _INSTANT, "text": _TEXT},
    "lead.qualified": {},
    "lead.disqualified": {"reason": _TEXT},
    "lead.opportunity": {
        "amount": {"type": ["number", "null"]},
        "close_on": {"type": ["string", "null"], "format": "date"},
    },
    "lead.won": {"amount": {"type": ["number", "null"]}, "currency": _TEXT},
    "lead.lost": {"reason": _TEXT},
    "lead.recycled": {},
    "lead.noted": {"text": _TEXT},
}


def _saying(kind: str, more: dict[str, Any]) -> dict[str, Any]:
    about = {"lead": _NAME} if kind.startswith("lead.") else {}
    return {
        "title": kind,
        "type": "object",
        "properties": {
            "type": {"const": kind},
            "rep": _NAME,
            **about,
            "at": _INSTANT,
            **more,
        },
        "required": ["type", "rep", *about, "at"],
    }


_REP_EVENTS: dict[str, Any] = {
    "$schema": DIALECT,
    "$id": "urn:heatline:schema:rep-events",
    "title": "Rep event",
    "description": "A rep's availability, or what became of a lead, from reps or a CRM.",
    "oneOf": [_saying(kind, more) for kind, more in _SAYINGS.items()],
}

ACCEPTED = {"visitor-events": _VISITOR_EVENTS, "rep-events": _REP_EVENTS}
"""The schema of a record's value, by topic."""
