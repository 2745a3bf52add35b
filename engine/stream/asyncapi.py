"""The AsyncAPI 3 document: which topics other systems read and write, with keys, partitions and schemas."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine import __version__
from engine.stream.catalog import Catalog, Topic

_BINDING = "0.5.0"
_FORMAT = "application/schema+json;version=2020-12"


@dataclass(frozen=True, slots=True)
class Message:
    """A message on a topic; `file` is its schema, `emitted` says who writes it: Heatline, or others."""

    topic: str
    name: str
    title: str
    summary: str
    content_type: str
    file: str
    emitted: bool


def asyncapi(catalog: Catalog, messages: Iterable[Message]) -> dict[str, Any]:
    """The document for the topics that carry `messages`; internal topics are nobody's contract."""
    by_topic: dict[str, list[Message]] = {}
    for message in messages:
        by_topic.setdefault(message.topic, []).append(message)
    topics = [topic for name, topic in catalog.topics.items() if name in by_topic]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:heatline",
        "info": {
            "title": "Heatline",
            "version": __version__,
            "description": "Live lead scores, alerts and assignments from a clickstream. Read committed records only.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, by_topic[topic.name]) for topic in topics},
        "operations": {
            f"{'send' if one.emitted else 'receive'}.{one.name}": _operation(one)
            for topic in topics
            for one in by_topic[topic.name]
        },
        "components": {
            "messages": {one.name: _message(one, topic) for topic in topics for one in by_topic[topic.name]},
        },
    }


def _channel(topic: Topic, messages: list[Message]) -> dict[str, Any]:
    gone = " A record without a value says that its key is gone." if topic.cleanup == "compact" else ""
    return {
        "address": topic.name,
        "description": f"{topic.description}{gone}",
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"} for one in messages},
        "bindings": {"kafka": _topic_binding(topic)},
    }


def _topic_binding(topic: Topic) -> dict[str, Any]:
    configuration: dict[str, Any] = {"cleanup.policy": [topic.cleanup], "max.message.bytes": topic.max_message_bytes}
    if topic.cleanup == "delete":
        configuration["retention.ms"] = topic.retention_ms or -1
    replicas = {} if topic.replication == -1 else {"replicas": topic.replication}
    return {
        "topic": topic.name,
        "partitions": topic.partitions,
        **replicas,
        "topicConfiguration": configuration,
        "bindingVersion": _BINDING,
    }


def _operation(message: Message) -> dict[str, Any]:
    return {
        "action": "send" if message.emitted else "receive",
        "channel": {"$ref": f"#/channels/{message.topic}"},
        "summary": message.summary,
        "messages": [{"$ref": f"#/channels/{message.topic}/messages/{message.name}"}],
    }


def _message(message: Message, topic: Topic) -> dict[str, Any]:
    return {
        "name": message.name,
        "title": message.title,
        "summary": message.summary,
        "contentType": message.content_type,
        "payload": {"schemaFormat": _FORMAT, "schema": {"$ref": f"./{message.file}"}},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": _BINDING},
        },
    }
