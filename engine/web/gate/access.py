"""Who may look at the board, and at what of it.

A **token** lets one in; the board holds its hash only. A **principal** is who that is and what that one may see and do.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Literal, NamedTuple

from aiohttp import web
from msgspec import Struct

Role = Literal["rep", "manager", "operator"]
ROLES: tuple[Role, ...] = ("rep", "manager", "operator")
ALL_REGIONS = "*"

TOKEN_PREFIX = "hl_"  # noqa: S105  what every token begins with, so that scanners know one that leaked
TOKEN_BYTES = 32
KEY_BYTES = 32


class Principal(Struct, frozen=True):
    """Someone who was let in.

    `rep`: the rep of routing.yaml who that is. `regions`: those that a manager answers for, `*` for all. `personal`:
    whether it may know who the leads are that it sees.
    """

    id: str
    name: str
    role: Role
    rep: str | None = None
    regions: frozenset[str] = frozenset()
    personal: bool = True

    def may_see(self, owner: str | None, region: str | None) -> bool:
        """A rep sees its own leads, a manager also those of its regions, an operator all."""
        return self.role == "operator" or self._has(owner, region)

    def may_act(self, owner: str | None, region: str | None) -> bool:
        """A rep acts on its own leads, a manager also on those of its regions, an operator as the rep who it is."""
        return self._has(owner, region)

    @property
    def may_add(self) -> bool:
        """Everybody adds leads, but an operator only as the rep who it is."""
        return self.role != "operator" or self.rep is not None

    def _has(self, owner: str | None, region: str | None) -> bool:
        if self.rep is not None and owner == self.rep:
            return True
        return self.role == "manager" and (ALL_REGIONS in self.regions or region in self.regions)


class Token(NamedTuple):
    """One that was given out: the hash of its text, whose it is, and when it ends (Unix seconds; None: never)."""

    sha256: bytes
    principal: Principal
    expires_s: float | None = None


class Access:
    """Everyone who may come in now; `use` changes that for what is asked from then on."""

    def __init__(
        self, session_key: bytes, tokens: Iterable[Token] = (), clock: Callable[[], float] = time.time
    ) -> None:
        """`session_key` signs sessions and names leads: one for all boards, and for good. `clock` in Unix seconds."""
        self._clock = clock
        self.use(session_key, tokens)

    @classmethod
    def in_memory(cls, *principals: Principal) -> "Access":
        """For these alone, as long as this process runs; `admit` gives each a token."""
        access = cls(secrets.token_bytes(KEY_BYTES))
        for principal in principals:
            access.admit(principal)
        return access

    def use(self, session_key: bytes, tokens: Iterable[Token]) -> None:
        """These from now on, and nobody else."""
        self._tokens = {token.principal.id: token for token in tokens}
        self.session_key = hmac.digest(session_key, b"heatline sessions", sha256)
        self.lead_key = hmac.digest(session_key, b"heatline leads", sha256)

    def admit(self, principal: Principal) -> str:
        """The token that lets `principal` in from now on; an older one of the same id no longer does."""
        token = new_token()
        self._tokens[principal.id] = Token(hash_of(token), principal)
        return token

    def authenticate(self, token: str) -> Principal | None:
        """Whose token this is; the same work for a good, a revoked and an unknown one."""
        hashed, found = hash_of(token), None
        for held in self._tokens.values():
            if hmac.compare_digest(held.sha256, hashed):
                found = held
        return found.principal if found is not None and self._is_good(found) else None

    def principal(self, name: str) -> Principal | None:
        """Who has the token of this id; None once it is revoked or over."""
        held = self._tokens.get(name)
        return held.principal if held is not None and self._is_good(held) else None

    def seal(self, name: str) -> bytes:
        """What a session of the token of this id is bound to: it ends with the token; empty where there is none."""
        held = self._tokens.get(name)
        return b"" if held is None else held.sha256

    def now_s(self) -> float:
        """Unix seconds."""
        return self._clock()

    def _is_good(self, token: Token) -> bool:
        return token.expires_s is None or self._clock() < token.expires_s


_PRINCIPAL = web.RequestKey("principal", Principal)


def principal_of(request: web.Request) -> Principal:
    """Who asks: known of every request that the guard let through, but for login and static files."""
    return request[_PRINCIPAL]


def known_principal(request: web.Request) -> Principal | None:
    """Who asks, also where nobody had to say so: None there."""
    return request.get(_PRINCIPAL)


def let_in(request: web.Request, principal: Principal) -> None:
    """`request` is of `principal`: for the guard, and for tests of handlers without one."""
    request[_PRINCIPAL] = principal


def new_token() -> str:
    """256 random bits as text."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> bytes:
    """What is kept of a token: enough to know it again. So many random bits need no slow hash."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
