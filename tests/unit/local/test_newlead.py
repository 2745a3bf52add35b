import json
from typing import Any
from uuid import UUID

import pytest

from engine.local.errors import LocalError
from engine.local.newlead import Contact, messages_of
from tests.build import T0, decoded, model

MODEL = model("scale: 100")


def events(**values: str) -> tuple[str, list[dict[str, Any]]]:
    """The lead and what is sent, without message ids."""
    lead, messages = messages_of(Contact(values, "call", "phone", "call back"))
    assert {message.key for message in messages} == {lead.encode()}
    sent = [json.loads(message.value) for message in messages]
    assert len({UUID(event.pop("messageId")) for event in sent}) == 2
    return lead, sent


def test_one_who_phones_is_identified_by_the_office_and_calls_by_phone() -> None:
    """A phone may not say who a known lead is, whoever runs this command may."""
    lead, sent = events(userId="ada", phone="+49 30 1", **{"address.city": "Paris"})
    assert lead == "ada"
    assert sent == [
        {
            "type": "identify",
            "context": {"channel": "server"},
            "userId": "ada",
            "traits": {"phone": "+49 30 1", "address": {"city": "Paris"}},
        },
        {
            "type": "track",
            "event": "call",
            "userId": "ada",
            "context": {"channel": "phone"},
            "properties": {"note": "call back"},
        },
    ]
    _, messages = messages_of(Contact({"userId": "ada"}, "call", "phone"))
    assert [decoded(MODEL, message.value, T0).source for message in messages] == ["server", "phone"]
    assert "server" in MODEL.trusted_sources


def test_an_address_alone_is_the_lead_of_that_address() -> None:
    """Both records go to its home, though a track cannot name it but by its public id."""
    lead, (identify, call) = events(email="Ada@Example.COM", userId=" ")
    assert lead == call["userId"] == "email:ada@example.com"
    assert "userId" not in identify


def test_one_of_whom_nothing_is_known_gets_an_id_of_its_own() -> None:
    first, _ = events(firstName="Ada")
    second, _ = events(firstName="Ada")
    assert UUID(first) != UUID(second)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"email": "bob"}, "email = 'bob': expected an address such as ada@example.com"),
        ({"userId": "u", "user_id": "v"}, "user_id: it says the same as userId"),
        ({"userId": "u" * 501}, "userId = 'uuu"),
    ],
)
def test_what_is_not_clear_is_one_clear_error(values: dict[str, str], said: str) -> None:
    with pytest.raises(LocalError) as caught:
        messages_of(Contact(values, "call", "phone"))
    assert str(caught.value).startswith(said)
