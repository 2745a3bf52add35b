"""Text that strangers wrote, made safe to keep: cut to a length, without control and bidirectional characters."""

import re

_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")


def clean(text: str, chars_max: int) -> str:
    """`text` without control and bidirectional-override characters, cut to `chars_max` characters."""
    if len(text) > chars_max:
        text = text[:chars_max]
    return text if text.isprintable() else _UNWANTED.sub("", text)
