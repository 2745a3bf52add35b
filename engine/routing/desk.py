"""The rows of a desk: whose turn it is in a team, and who has a lead."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

ALERTS_MAX = 8
_HELD = b"lead/"

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
    return _HELD + lead.encode()


def unpack_turns(packed: bytes | None) -> Turns:
    """The row of a team; one that was never asked is nobody's turn yet."""
    return Turns([]) if packed is None else _turns.decode(packed)


def unpack_held(packed: bytes | None) -> Held | None:
    """The row of a lead, None where it never asked for a rep."""
    return None if packed is None else _held.decode(packed)


def moved(rows: Iterable[tuple[bytes, bytes]]) -> Mapping[str, list[bytes]]:
    """The keys of leads that are one with another by now, by that other."""
    found: dict[str, list[bytes]] = {}
    for key, packed in rows:
        held = unpack_held(packed) if key.startswith(_HELD) else None
        if held is not None and held.moved is not None:
            found.setdefault(held.moved, []).append(key)
    return found


def erased(lead: str, before: Mapping[str, list[bytes]], changed: Iterable[bytes], read: Read) -> list[bytes]:
    """The keys of what the desk holds of a lead, also under ids that were one with it.

    `before` is what `moved` found in rows of which those of `changed` have changed since.
    """
    later = moved([(key, packed) for key in changed if (packed := read(key)) is not None])
    found = [held_key(lead)]
    for key in found:
        name = key.removeprefix(_HELD).decode()
        others = {*before.get(name, ()), *later.get(name, ())}.difference(found)
        found += sorted(key for key in others if (held := unpack_held(read(key))) is not None and held.moved == name)
    return [key for key in found if read(key) is not None]


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
