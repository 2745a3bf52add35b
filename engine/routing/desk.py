"""The rows of a desk: whose turn it is in a team, and who has a lead."""

from collections.abc import Callable, Collection

import msgspec

ALERTS_MAX = 8

Read = Callable[[bytes], bytes | None]
"""Gives the row of a key, None where there is none."""


class Turns(msgspec.Struct, array_like=True):
    """A team's reps in the order in which they are due: who got a lead longest ago comes first."""

    order: list[str]


class Held(msgspec.Struct, array_like=True):
    """A lead that asked for a rep: who has it, null where nobody could get it, by which team and rule, since when.

    `since_ms` is the instant of the decision; `alerts` are the ids of the last eight that were answered, newest last.
    `profile` is the key of the lead's row and `partition` its home, as the latest request says; null in rows of
    versions that did not note it. `moved`: the lead that it is one with by now, and where the rest stands.
    """

    rep: str | None
    team: str | None
    rule: str | None
    since_ms: int
    alerts: list[str]
    profile: str | None = None
    partition: int = 0
    moved: str | None = None


_turns = msgspec.msgpack.Decoder(Turns)
_held = msgspec.msgpack.Decoder(Held)
_encoder = msgspec.msgpack.Encoder()


def turns_key(team: str) -> bytes:
    """The key of a team's row."""
    return f"pool/{team}".encode()


def held_key(lead: str) -> bytes:
    """The key of a lead's row."""
    return f"lead/{lead}".encode()


def unpack_turns(packed: bytes | None) -> Turns:
    """The row of a team; one that was never asked is nobody's turn yet."""
    return Turns([]) if packed is None else _turns.decode(packed)


def unpack_held(packed: bytes | None) -> Held | None:
    """The row of a lead, None where it never asked for a rep."""
    return None if packed is None else _held.decode(packed)


def erased(lead: str, keys: Collection[bytes], read: Read) -> list[bytes]:
    """The keys of what the desk holds of a lead, also under ids that it had before; of `keys`, those of all rows."""
    name = lead.encode()
    naming = [key for key in sorted(keys) if key.startswith(held_key("")) and name in (read(key) or b"")]
    moved = [key for key in naming if (held := unpack_held(read(key))) is not None and held.moved == lead]
    before = [key.removeprefix(held_key("")).decode() for key in moved]
    own = [held_key(lead)] if read(held_key(lead)) is not None else []
    return [*own, *moved, *(key for other in before for key in erased(other, keys, read) if key not in moved)]


def pack(row: Turns | Held) -> bytes:
    """The row as bytes."""
    return _encoder.encode(row)


def due(turns: Turns, members: tuple[str, ...]) -> list[str]:
    """The team's present members in the order in which they are due.

    Newcomers come last, in the team's order: each waits one round and then takes every turn like the others, so that
    of two members present throughout neither ever gets two leads more than the other.
    """
    present = set(members)
    known = [rep for rep in turns.order if rep in present]
    newcomers = present.difference(known)
    return known + [rep for rep in members if rep in newcomers]
