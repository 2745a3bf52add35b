"""docs/reference/: each page is what the code says now."""

import pytest

from engine.reference.pages import FOLDER, pages
from engine.reference.shapes import Key, allowed, keys

PAGES = pages()
PLAIN = set(
    "sasl_username smtp_username username ssl_ca_file ssl_cert_file ssl_key_file tls_key host port smtp_port "
    "model routing events catalog data_dir".split()
)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_of_the_reference_is_what_the_code_gives(name: str) -> None:
    """`make contract` renews it."""
    assert (FOLDER / name).read_text() == PAGES[name]


def test_the_reference_has_no_other_page() -> None:
    """What nobody generates would grow old."""
    assert {file.name for file in FOLDER.iterdir()} == set(PAGES)


def test_every_setting_is_explained() -> None:
    """Where its name does not say it all: paths, users and what TLS needs."""
    rows = [line.split(" | ") for line in PAGES["settings.md"].splitlines() if line.startswith("| `")]
    bare = {key.strip("| `") for key, _, told in rows if not told.strip(" |")}
    assert {key.rpartition(".")[2] for key in bare} <= PLAIN


def test_keys_are_named_by_their_path() -> None:
    """Those inside of names and lists, too, each behind the mapping that it stands in."""
    text = {"type": "string"}
    inner = {"type": "object", "properties": {"b": text}, "required": ["b"]}
    named = {"type": "object", "additionalProperties": inner}
    schema = {"properties": {"a": named, "c": {"anyOf": [text, {"type": "array", "items": inner}]}}}
    assert list(keys(schema)) == [
        Key("a", "a mapping", required=False),
        Key("a.NAME", "a mapping", required=False),
        Key("a.NAME.b", "text", required=True),
        Key("c", "text; or a list of: a mapping", required=False),
        Key("c[].b", "text", required=True),
    ]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"const": True}, "`true`"),
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"type": ["string", "null"], "format": "date-time"}, "a time or null"),
        ({"type": "integer", "minimum": 1, "maximum": 1000}, "a whole number, at least 1, at most 1,000"),
        ({"$ref": "#/$defs/condition"}, "a condition"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": False},
         "a list of: text, a number"),
    ],
)  # fmt: skip
def test_a_schema_is_told_in_words(schema: dict[str, object], words: str) -> None:
    assert allowed(schema) == words
