"""Sessions without a store: a signed cookie says whose token it was made for and when it ends.

It is bound to that token: once the token is revoked, over or replaced, the session is none. Login links are codes for
one use, in the memory of this process.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

import msgspec

from engine.web.gate.access import Access, Principal, hash_of

SESSION_S = 12 * 3_600
LINK_S = 600.0
LINKS_MAX = 100
_COOKIE_CHARS_MAX = 1_000

_Claim = tuple[str, int]
"""Id of the token, and when the session ends, in Unix seconds."""
_claims = msgspec.json.Decoder(_Claim)


def begin(access: Access, principal: Principal) -> str:
    """The cookie of a session of `principal` that begins now."""
    claim: _Claim = (principal.id, int(access.now_s()) + SESSION_S)
    stated = msgspec.json.encode(claim)
    return f"{_text(stated)}.{_text(_signature(access, principal.id, stated))}"


def holder(access: Access, cookie: str) -> Principal | None:
    """Whose session `cookie` is; None where it is none, not of this key, over, or its token is no longer good."""
    if len(cookie) > _COOKIE_CHARS_MAX:
        return None
    stated_text, _, signature_text = cookie.partition(".")
    try:
        stated, signature = _bytes(stated_text), _bytes(signature_text)
        name, ends_s = _claims.decode(stated)
    except ValueError:
        return None
    if not hmac.compare_digest(signature, _signature(access, name, stated)):
        return None
    return access.principal(name) if access.now_s() < ends_s else None


class Links:
    """Codes that let somebody in once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` in seconds."""
        self._clock = clock
        self._waiting: dict[bytes, tuple[str, float]] = {}

    def make(self, principal: Principal) -> str:
        """A code for `principal`, good for 10 minutes; of more than 100 that wait the oldest goes."""
        code = secrets.token_urlsafe(32)
        self._waiting[hash_of(code)] = (principal.id, self._clock() + LINK_S)
        if len(self._waiting) > LINKS_MAX:
            del self._waiting[next(iter(self._waiting))]
        return code

    def take(self, code: str) -> str | None:
        """Whom the code is for: the first time, and in time."""
        name, ends_s = self._waiting.pop(hash_of(code), ("", 0.0))
        return name if name and self._clock() < ends_s else None


def _signature(access: Access, name: str, stated: bytes) -> bytes:
    return hmac.digest(access.session_key, access.seal(name) + stated, sha256)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
