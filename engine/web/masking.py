"""What those see of a lead who may not see who it is."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

KEY_CHARS = 22
"""132 bits: nobody guesses one, and no two leads share one."""


def key_of(secret: bytes, lead: str) -> str:
    """What stands for a lead's id in addresses, logs and answers: `~` and a part of its keyed hash."""
    digest = hmac.digest(secret, lead.encode("utf-8", "surrogatepass"), sha256)
    return "~" + urlsafe_b64encode(digest)[:KEY_CHARS].decode()
