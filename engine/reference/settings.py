"""The page of settings: what the structs hold, explained by the comments of the shipped `config/heatline.toml`."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.ops.settings import SECTIONS, Settings, describe
from engine.ops.values import Secret
from engine.reference.markdown import code, flat, page, table

_SECTION = re.compile(r"\[(\w+)\]")
_KEY = re.compile(r"# (\w+) = (?:\"[^\"]*\"|\S+)\s*(?:# ?(.*))?")
_MORE = re.compile(r" {20,}# ?(.*)")


def settings_page(shipped: Path) -> str:
    """Every setting with its default, and what the shipped file says of it."""
    told = dict(_comments(shipped.read_text()))
    defaults = {one.key: one.value for one in describe(Settings())}
    parts = []
    for section, kind in SECTIONS.items():
        fields = msgspec.structs.fields(kind)
        rows = []
        for field in fields:
            key = f"{section}.{field.encode_name}"
            said = told.get(key) or told.get(f"{key}_file", "")
            if field.type is Secret:
                said = re.sub(rf"^or {field.encode_name}(: |$)", "", said)
                said = f"{said}; or in a file, which `{key}_file` names".removeprefix("; or ")
            rows.append((code(key), code(defaults[key]), said))
        parts += [f"## {section}", flat(kind.__doc__), table(("key", "default", "what it is"), rows)]
    return page(
        "Settings",
        "A setting is a key of `config/heatline.toml`, an environment variable and a flag; the later wins: `[kafka]"
        " bootstrap`, `HEATLINE_KAFKA_BOOTSTRAP`, `--kafka.bootstrap=HOST:PORT`. `heatline settings` shows what is in"
        " force and where it comes from, secrets masked.",
        *parts,
    )


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """What stands behind each key, by `section.key`."""
    section, key, said = "", "", ""
    for line in text.splitlines():
        found, more = _KEY.match(line), _MORE.match(line)
        if more is not None and key:
            said = f"{said} {more[1]}"
            continue
        if key:
            yield key, said
            key = ""
        if (opened := _SECTION.match(line)) is not None:
            section = opened[1]
        elif found is not None:
            key, said = f"{section}.{found[1]}", found[2] or ""
    if key:
        yield key, said
