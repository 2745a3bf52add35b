"""Ids of leads: browsers, e-mail addresses and people, and the keys that their rows stand under.

A browser's row stands under its anonymousId, a person's under the userId behind one byte, an e-mail person's under
the address behind another. `clean` takes such bytes out of ids, so no id is taken for another of another kind.
"""

from functools import lru_cache
from typing import Any

from email_validator import validate_email
from xxhash import xxh32_intdigest

from engine.core.events import Event, attribute
from engine.core.instants import DAY_MS
from engine.core.profile import EMAIL_CHARS_MAX

EMAIL_PREFIX = "email:"
"""What the public id of a person begins with of whom only the e-mail address is known."""
_USER, _EMAIL = "\x01", "\x02"
_EMAIL_TRAIT = attribute("email")
_CACHED_MAX = 4_096


def person_key(user_id: str) -> str:
    """The key of the person whom a userId names; one that is the public id of an e-mail person names that one."""
    if user_id.startswith(EMAIL_PREFIX):
        email = normalised_email(user_id.removeprefix(EMAIL_PREFIX))
        if email is not None:
            return email_key(email)
    return _USER + user_id


def email_key(email: str) -> str:
    """The key of the person whom a normalised address names."""
    return _EMAIL + email


def is_person(key: str) -> bool:
    """Whether the key is that of a person, not of a browser."""
    return key[:1] in (_USER, _EMAIL)


def is_user(key: str) -> bool:
    """Whether the key is that of a person whom a userId names."""
    return key[:1] == _USER


def is_email(key: str) -> bool:
    """Whether the key is that of a person of whom only the address is known."""
    return key[:1] == _EMAIL


def public_id(key: str) -> str:
    """The lead's id, as others see it and as its partition is found."""
    if key[:1] == _USER:
        return key[1:]
    return EMAIL_PREFIX + key[1:] if key[:1] == _EMAIL else key


def above(one: str, other: str) -> bool:
    """Whether a pointer may lead from `other` up to `one`, so that pointers never lead in a circle.

    Browsers are below addresses, and those below userIds; within a kind the larger key is below the smaller.
    """
    return (_rank(one), other) > (_rank(other), one)


def _rank(key: str) -> int:
    return 2 if key[:1] == _USER else 1 if key[:1] == _EMAIL else 0


@lru_cache(_CACHED_MAX)
def normalised_email(text: str) -> str | None:
    """An address as it names a person: valid by RFC 5321 and 6531, in lower case; None where it is none.

    What providers do with dots and tags in front of the @ is theirs to know: such addresses stay apart.
    """
    if len(text) > EMAIL_CHARS_MAX:
        return None
    try:
        return validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except ValueError:  # also where the text is none that can be encoded
        return None


def stated_email(traits: Any) -> str | None:
    """The normalised address that an event's `traits` state, None where they state none."""
    email = getattr(traits, _EMAIL_TRAIT, None)
    return normalised_email(email) if isinstance(email, str) else None


def email_of(event: Event) -> str | None:
    """The normalised address that an `identify` states, None where it states none."""
    return stated_email(event.traits) if event.type == "identify" else None


def address_of(event: Event) -> tuple[int, int] | None:
    """The address that an `identify` states, as a number, and the day it does; None where it states none."""
    email = email_of(event)
    return None if email is None else (xxh32_intdigest(email.encode()), event.time_ms // DAY_MS)


def person_of(event: Event) -> str | None:
    """The key of the person whom `event` names: by userId, an `identify` without one by its address."""
    if event.user_id is not None:
        return person_key(event.user_id)
    email = email_of(event)
    return None if email is None else email_key(email)
