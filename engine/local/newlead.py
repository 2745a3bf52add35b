"""`heatline lead add`: a lead of whom somebody was told otherwise than by a site, such as one who phones."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import uuid4

from engine.core.identity import EMAIL_PREFIX, normalised_email
from engine.local.errors import LocalError
from engine.local.importing import Target
from engine.local.leadrow import EMAIL, USER, Refused, lead_event, meaning_of, to_message
from engine.local.lines import Message
from engine.local.producer import Sender, connected_producer
from engine.local.reading import wall_clock_ms
from engine.local.topic import retention_ms

IDENTIFIED_BY = "server"
"""The source of the `identify`: whoever runs this command may say who a lead is, a phone by itself may not."""


class Contact(NamedTuple):
    """What somebody did and who it was: ids and traits by the names that an import knows, also with dots."""

    values: Mapping[str, str]
    event: str
    source: str
    note: str | None = None


async def add_lead(contact: Contact, target: Target) -> str:
    """Send who it was and what they did, and give the lead's id, a fresh one for who has none.

    Raises LocalError where that is not clear, or the broker fails.
    """
    lead, messages = messages_of(contact)
    await retention_ms(target.bootstrap, target.topic, target.security)
    async with connected_producer(target.bootstrap, target.security) as producer:
        sender = Sender(producer, target.topic)
        for message in messages:
            await sender.send(message)
        await sender.drain()
    return lead


def messages_of(contact: Contact) -> tuple[str, list[Message]]:
    """The lead's id, and the records that say who it is and what happened. Raises LocalError."""
    now_ms = wall_clock_ms()
    values = {name: value for name, value in contact.values.items() if value.strip()}
    if not {USER, EMAIL} & values.keys():
        values[USER] = str(uuid4())
    meaning = meaning_of(values)
    who = meaning if isinstance(meaning, Refused) else lead_event(meaning, values, now_ms)
    if isinstance(who, Refused):
        raise LocalError(str(who))
    email = normalised_email(values[EMAIL]) if EMAIL in values else None
    lead = who.get(USER) or f"{EMAIL_PREFIX}{email}"
    did = {
        "type": "track",
        "event": contact.event,
        "userId": lead,
        "context": {"channel": contact.source},
        "properties": {} if contact.note is None else {"note": contact.note},
    }
    messages = []
    for event in ({**who, "context": {"channel": IDENTIFIED_BY}}, did):
        message = to_message({**event, "messageId": str(uuid4())}, now_ms)
        if isinstance(message, Refused):
            raise LocalError(str(message))
        messages.append(message)
    return (messages[-1].key or b"").decode(), messages
