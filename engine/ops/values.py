"""Texts that must not be shown as they are."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")
MASK = "***"


class Secret(str):
    """A password or key: whole for who uses it, masked in every `repr`."""

    __slots__ = ()

    @property
    def masked(self) -> str:
        """`***`, or nothing where there is none."""
        return MASK if self else ""

    def __repr__(self) -> str:
        """Masked, so that no struct, log or traceback shows it."""
        return repr(self.masked)


class Url(str):
    """An address that may hold a user and password."""

    __slots__ = ()

    @property
    def masked(self) -> str:
        """The address with its credentials masked."""
        return _CREDENTIALS.sub(f"{MASK}@", self)

    def __repr__(self) -> str:
        """Masked, as `Secret`."""
        return repr(self.masked)
