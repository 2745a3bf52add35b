"""config/access.yaml: what it states, what is wrong with it, and that it never shows a secret."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.reader import NAME_MAX
from engine.core.source import ConfigError
from engine.web.gate.access import Access, Principal, Token
from engine.web.gate.accessfile import AccessFile, Entry, load_access, new_file

KEY = "ab" * 32
HASH = "cd" * 32


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_access(text, "access.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_file_says_who_may_come_in() -> None:
    """Reps and managers know who their leads are; an operator where it says so."""
    text = f"""\
session_key: '{KEY}'
tokens:
  t1: {{name: Andy, role: rep, rep: andy, sha256: '{HASH}', expires: '2026-11-26T00:00:01Z'}}
  t2: {{name: Carla, role: manager, regions: [east, west], sha256: '{"01" * 32}', created: '2026-11-23T00:00:00Z'}}
  t3: {{name: Ole, role: operator, sha256: '{"02" * 32}'}}
  t4: {{name: Olga, role: operator, personal: true, sha256: '{"03" * 32}'}}
"""
    held = load_access(text, "access.yaml")
    assert held.key == b"\xab" * 32
    assert held.tokens == [
        Token(b"\xcd" * 32, Principal("t1", "Andy", "rep", "andy"), 1_795_651_201.0),
        Token(b"\x01" * 32, Principal("t2", "Carla", "manager", None, frozenset({"east", "west"}))),
        Token(b"\x02" * 32, Principal("t3", "Ole", "operator", personal=False)),
        Token(b"\x03" * 32, Principal("t4", "Olga", "operator", personal=True)),
    ]


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=NAME_MAX)
instants = st.none() | st.integers(0, 4_000_000_000_000)
entries = st.one_of(
    st.builds(Entry, names, st.just("rep"), st.just(""), names, created_ms=instants, expires_ms=instants),
    st.builds(
        Entry, names, st.just("manager"), st.just(""), st.none() | names,
        st.lists(names, min_size=1, max_size=3).map(tuple), created_ms=instants,
    ),
    st.builds(Entry, names, st.just("operator"), st.just(""), personal=st.booleans()),
)  # fmt: skip


@settings(max_examples=30)
@given(st.lists(entries, max_size=4))
def test_what_is_written_is_read_again_and_each_token_lets_its_owner_in(added: list[Entry]) -> None:
    """Whatever their names; and no token stands in the file."""
    held, tokens = new_file(), []
    for entry in added:
        held, (_, token) = held.adding(entry)
        tokens.append(token)
    text = held.text()
    read = load_access(text, "access.yaml")
    assert read == held
    access = Access(read.key, read.tokens, lambda: 0.0)
    for entry, token in zip(added, tokens, strict=True):
        assert token not in text
        found = access.authenticate(token)
        if entry.expires_ms == 0:
            assert found is None
        else:
            assert found is not None
            assert found.name == entry.name


def test_a_revoked_token_is_gone_and_the_others_stay() -> None:
    held = AccessFile(KEY, {"a": Entry("A", "operator", HASH), "b": Entry("B", "operator", "01" * 32)})
    assert list(held.without("a").entries) == ["b"]
    assert held.without("a").session_key == KEY


def test_every_mistake_is_named_at_once() -> None:
    """With place, key and what would be right."""
    text = f"""\
session_key: '{KEY}'
tokens:
  a: {{name: A, role: boss, sha256: '{"01" * 32}'}}
  b: {{name: B, role: rep, sha256: '{"02" * 32}'}}
  c: {{name: C, role: manager, sha256: '{"03" * 32}', personal: true}}
  d: {{name: D, role: operator, regions: [east], sha256: '{"04" * 32}', expires: tomorrow}}
  e: {{role: operator, sha256: '{"04" * 32}', colour: red}}
"""
    assert [re.sub(r":\d+: ", ": ", mistake, count=1) for mistake in mistakes_of(text)] == [
        'access.yaml:3: tokens.a.role = "boss": `boss` is not known; expected one of rep, manager, operator',
        "access.yaml:4: tokens.b: a rep needs the id that routing.yaml has for it",
        "access.yaml:5: tokens.c: a manager needs regions of routing.yaml, or * for all",
        "access.yaml:5: tokens.c.personal: is an operator's; a manager knows who its leads are anyway",
        "access.yaml:6: tokens.d.regions: regions are a manager's; the role is operator",
        "access.yaml:6: tokens.d.expires = \"tomorrow\": expected a time such as '2026-11-23T04:30:00Z'",
        "access.yaml:7: tokens.e: `name` is missing",
        "access.yaml:7: tokens.e: has the sha256 of d: two cannot share a token",
        (
            "access.yaml:7: tokens.e.colour: `colour` is not known; expected one of name, role, rep, regions, "
            "personal, sha256, created, expires"
        ),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "session_key: 'hunter2'",
        "session_key: hunter2\ntokens: {a: {name: A, role: operator, sha256: hunter2}}",
        "session_key: {hunter2: 1}",
        "hunter2",
        "session_key: [hunter2]",
        f"session_key: '{KEY}'\ntokens: {{a: {{name: A, role: operator, sha256: '{HASH}hunter2'}}}}",
    ],
)
def test_no_mistake_shows_a_key_or_a_hash(text: str) -> None:
    """Mistakes are logged."""
    shown = "\n".join(mistakes_of(text))
    assert shown
    assert "hunter2: 1" not in shown
    assert "'hunter2'" not in shown
    assert KEY not in shown
    assert HASH not in shown


def test_without_a_key_there_are_no_sessions() -> None:
    assert mistakes_of("") == ["access.yaml:1:1: `session_key` is missing"]
