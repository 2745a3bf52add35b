"""Text that strangers wrote, made safe to keep: cut to a length, without control and bidirectional characters."""

import re

_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` without control and bidirectional characters (terminal escapes begin with one) and lone surrogates."""
    return text if text.isprintable() else _UNWANTED.sub("", text)


def clean(text: str, chars_max: int) -> str:
    """The first `chars_max` characters of `text`, those that are `printable`."""
    if len(text) > chars_max:
        text = text[:chars_max]
    return text if text.isprintable() else _UNWANTED.sub("", text)
