"""`config/access.yaml`: who may open the board. Text in, values out, and back; every mistake with its remedy.

It holds the hashes of tokens, never a token, and the key that signs sessions: nobody but its owner may read it.
"""

import json
import re
import secrets
from collections.abc import Collection, Mapping
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.reader import NAME_MAX, Reader, listed
from engine.core.source import Node
from engine.web.gate.access import ALL_REGIONS, KEY_BYTES, ROLES, Principal, Role, Token, hash_of, new_token

TOKENS_MAX = 1_000
REGIONS_MAX = 100
ID_BYTES = 4
_KEYS = ("name", "role", "rep", "regions", "personal", "sha256", "created", "expires")
_HEX = re.compile(r"[0-9a-f]{64}")
_HEAD = """\
# Who may open the board: written by `heatline token`, which keeps no comments. No token stands here, only what it is
# known again by. Only the owner of this file may read it (chmod 600): with `session_key` anybody could come in.
"""


class Entry(Struct, frozen=True):
    """A token as the file knows it; instants in ms."""

    name: str
    role: Role
    sha256: str
    rep: str | None = None
    regions: tuple[str, ...] = ()
    personal: bool = False
    created_ms: int | None = None
    expires_ms: int | None = None

    def token(self, name: str) -> Token:
        """What lets its owner in, under the id `name`. Who works with leads knows who they are."""
        personal = self.personal or self.role != "operator"
        principal = Principal(name, self.name, self.role, self.rep, frozenset(self.regions), personal)
        return Token(
            bytes.fromhex(self.sha256), principal, None if self.expires_ms is None else self.expires_ms / 1_000
        )


class AccessFile(Struct, frozen=True):
    """What the file states: the key of sessions, and the tokens by id."""

    session_key: str
    entries: Mapping[str, Entry]

    @property
    def key(self) -> bytes:
        """The key of sessions."""
        return bytes.fromhex(self.session_key)

    @property
    def tokens(self) -> list[Token]:
        """Everybody who may come in, until it says otherwise."""
        return [entry.token(name) for name, entry in self.entries.items()]

    def adding(self, entry: Entry) -> tuple["AccessFile", tuple[str, str]]:
        """With one more token: the file then, its id, and the token itself, which nobody can find out later."""
        token, name = new_token(), secrets.token_hex(ID_BYTES)
        while name in self.entries:
            name = secrets.token_hex(ID_BYTES)
        added = replace(entry, sha256=hash_of(token).hex())
        return AccessFile(self.session_key, {**self.entries, name: added}), (name, token)

    def without(self, name: str) -> "AccessFile":
        """With one token less."""
        return AccessFile(self.session_key, {held: entry for held, entry in self.entries.items() if held != name})

    def text(self) -> str:
        """The content of the file."""
        lines = [_HEAD + f"session_key: {json.dumps(self.session_key)}", "tokens:" if self.entries else "tokens: {}"]
        for name, entry in self.entries.items():
            lines.append(f"  {json.dumps(name)}:")
            lines += [f"    {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in _stated(entry).items()]
        return "\n".join(lines) + "\n"


def new_file() -> AccessFile:
    """A file with a fresh key, and nobody in it."""
    return AccessFile(secrets.token_hex(KEY_BYTES), {})


def load_access(text: str, file: str) -> AccessFile:
    """What `text`, the content of `file`, states. Raises ConfigError with every problem; none shows a key or hash."""
    reader = Reader(file)
    root = reader.parse(text)
    entries = reader.mapping(root, ("session_key", "tokens"), required=("session_key",))
    key = _hex(reader, entries.get("session_key"))
    named = reader.names(entries.get("tokens"), "ids to tokens", TOKENS_MAX)
    read = {name: _entry(reader, node) for name, node in named.items()}
    _check_doubles(reader, named, read)
    reader.finish()
    return AccessFile(key, read)


def mistakes(role: str, rep: str | None, regions: Collection[str], *, personal: bool) -> list[tuple[str, str]]:
    """What cannot be meant together: which key, and what would be right."""
    found = []
    if role == "rep" and not rep:
        found.append(("rep", "a rep needs the id that routing.yaml has for it"))
    if role == "manager" and not regions:
        found.append(("regions", f"a manager needs regions of routing.yaml, or {ALL_REGIONS} for all"))
    if role != "manager" and regions:
        found.append(("regions", f"regions are a manager's; the role is {role}"))
    if role != "operator" and personal:
        found.append(("personal", f"is an operator's; a {role} knows who its leads are anyway"))
    return found


def _entry(reader: Reader, node: Node) -> Entry:
    entries = reader.mapping(node, _KEYS, required=("name", "role", "sha256"))
    role = cast("Role", reader.one_of(entries.get("role"), ROLES, "operator"))
    listed_regions = reader.items(entries.get("regions"), "regions", at_most=REGIONS_MAX)
    entry = Entry(
        name=reader.text(entries.get("name"), at_most=NAME_MAX),
        role=role,
        sha256=_hex(reader, entries.get("sha256")),
        rep=reader.text(entries["rep"], at_most=NAME_MAX) if "rep" in entries else None,
        regions=tuple(reader.text(one, at_most=NAME_MAX) for one in listed_regions),
        personal=reader.boolean(entries.get("personal")),
        created_ms=_instant(reader, entries.get("created")),
        expires_ms=_instant(reader, entries.get("expires")),
    )
    if "role" in entries and entries["role"].value == role:
        for key, message in mistakes(entry.role, entry.rep, entry.regions, personal=entry.personal):
            reader.key_problem(entries.get(key, node), message)
    return entry


def _hex(reader: Reader, node: Node | None) -> str:
    """64 digits; a mistake is told without showing what stands there."""
    text = node.value if node is not None and isinstance(node.value, str) else ""
    if node is not None and not _HEX.fullmatch(text):
        reader.key_problem(node, "expected 64 of 0-9 a-f in quotes, as `heatline token add` writes them")
    return text


def _instant(reader: Reader, node: Node | None) -> int | None:
    text = reader.text(node)
    if node is None or not text:
        return None
    try:
        return from_rfc3339(text)
    except ValueError:
        reader.expected(node, "a time such as '2026-11-23T04:30:00Z'")
        return None


def _check_doubles(reader: Reader, nodes: Mapping[str, Node], entries: Mapping[str, Entry]) -> None:
    first: dict[str, str] = {}
    for name, entry in entries.items():
        if first.setdefault(entry.sha256, name) != name:
            message = f"has the sha256 of {listed([first[entry.sha256]])}: two cannot share a token"
            reader.key_problem(nodes[name], message)


def _stated(entry: Entry) -> dict[str, object]:
    """What the file says of a token, less what goes without saying."""
    stated: dict[str, object] = {"name": entry.name, "role": entry.role}
    stated |= {} if entry.rep is None else {"rep": entry.rep}
    stated |= {"regions": list(entry.regions)} if entry.regions else {}
    stated |= {"personal": True} if entry.personal else {}
    stated["sha256"] = entry.sha256
    for key, instant_ms in (("created", entry.created_ms), ("expires", entry.expires_ms)):
        stated |= {} if instant_ms is None else {key: to_rfc3339(instant_ms)}
    return stated
