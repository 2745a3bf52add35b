"""Output records as they leave: structured CloudEvents 1.0 in JSON, with ids that a replay derives again."""

import msgspec
from xxhash import xxh3_128_hexdigest

from engine.core.flow import Output
from engine.core.instants import to_rfc3339
from engine.core.records import SOURCE

CONTENT_TYPE = ("content-type", b"application/cloudevents+json; charset=UTF-8")

_PREFIX, _SUFFIX = "io.heatline.", ".v1"
_encoder = msgspec.json.Encoder()


class CloudEvent(msgspec.Struct):
    """The envelope of every output record. `time` is the event time of the cause."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    partitionkey: str
    datacontenttype: str
    data: msgspec.Struct


def derived_id(*parts: str) -> str:
    """An id that is the same on every replay: 128 bits over what identifies the record (type, lead, alert, cause)."""
    return xxh3_128_hexdigest("\x1f".join(parts).encode())


def kind_of(noun_verb: str) -> str:
    """The CloudEvents type of `noun_verb`."""
    return f"{_PREFIX}{noun_verb}{_SUFFIX}"


def noun_verb_of(kind: str) -> str:
    """What `kind_of` made the type `kind` of; any other type as it is."""
    return kind.removeprefix(_PREFIX).removesuffix(_SUFFIX)


def output(
    topic: str,
    noun_verb: str,
    subject: str,
    time_ms: int,
    data: msgspec.Struct,
    *identity: str,
    partition: int | None = None,
    headers: tuple[tuple[str, bytes | None], ...] = (),
) -> Output:
    """The record of type `io.heatline.<noun_verb>.v1` for `topic`, keyed by `subject`.

    Its id is derived from type, subject and `identity`.
    """
    kind = kind_of(noun_verb)
    event = CloudEvent(
        specversion="1.0",
        id=derived_id(kind, subject, *identity),
        source=SOURCE,
        type=kind,
        subject=subject,
        time=to_rfc3339(time_ms),
        partitionkey=subject,
        datacontenttype="application/json",
        data=data,
    )
    return Output(topic, subject.encode(), _encoder.encode(event), partition, (CONTENT_TYPE, *headers))
