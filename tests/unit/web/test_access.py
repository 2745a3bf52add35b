"""Who is let in by a token, and which leads each may see and act on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.web.gate.access import Access, Principal, Token, hash_of, new_token

REP = Principal("1", "Andy", "rep", "andy")
EAST = Principal("2", "Carla", "manager", "carla", frozenset({"east"}))
ALL = Principal("3", "Dora", "manager", None, frozenset({"*"}))
OPERATOR = Principal("4", "Ole", "operator", None, personal=False)
OPERATING_REP = Principal("5", "Olga", "operator", "olga")


@pytest.mark.parametrize(
    ("who", "owner", "region", "sees", "acts"),
    [
        (REP, "andy", "west", True, True),
        (REP, "bea", "east", False, False),
        (REP, None, None, False, False),
        (EAST, "bea", "east", True, True),
        (EAST, "carla", "west", True, True),
        (EAST, "bea", "west", False, False),
        (EAST, None, None, False, False),
        (ALL, "bea", "west", True, True),
        (ALL, None, None, True, True),
        (OPERATOR, "bea", "east", True, False),
        (OPERATOR, None, None, True, False),
        (OPERATING_REP, "olga", "east", True, True),
        (OPERATING_REP, "bea", "east", True, False),
    ],
)
def test_what_each_may_see_and_do(
    who: Principal, owner: str | None, region: str | None, sees: bool, acts: bool
) -> None:
    """A rep its own, a manager also its regions', an operator sees all and acts as the rep who it is."""
    assert (who.may_see(owner, region), who.may_act(owner, region)) == (sees, acts)


principals = st.builds(
    Principal,
    st.just("1"),
    st.just("x"),
    st.sampled_from(["rep", "manager", "operator"]),
    st.sampled_from([None, "andy", "bea"]),
    st.frozensets(st.sampled_from(["east", "west", "*"])),
    st.booleans(),
)


@given(principals, st.sampled_from([None, "andy", "bea", ""]), st.sampled_from([None, "east", "west", ""]))
def test_nobody_acts_on_what_it_may_not_see(who: Principal, owner: str | None, region: str | None) -> None:
    """And a rep who has no id, or a lead without an owner, match nothing."""
    assert who.may_see(owner, region) or not who.may_act(owner, region)
    if who.role == "rep" and (owner is None or owner != who.rep):
        assert not who.may_see(owner, region)


def test_a_token_lets_its_owner_in_and_nothing_else_does() -> None:
    """Neither another, nor a part of it, nor its hash, nor text that no token can be."""
    access = Access.in_memory(REP)
    token = access.admit(EAST)
    assert access.authenticate(token) == EAST
    for other in (
        "",
        new_token(),
        token[:-1],
        token + "x",
        token.upper(),
        hash_of(token).hex(),
        "\udc80",
        "é",
        "x" * 9_000,
    ):
        assert access.authenticate(other) is None


def test_a_new_token_of_the_same_id_ends_the_old_one() -> None:
    access = Access.in_memory()
    first, second = access.admit(REP), access.admit(REP)
    assert (access.authenticate(first), access.authenticate(second)) == (None, REP)


def test_a_revoked_token_lets_nobody_in() -> None:
    """From the moment the tokens are changed."""
    token = new_token()
    access = Access(b"key", [Token(hash_of(token), REP)])
    assert (access.authenticate(token), access.principal("1")) == (REP, REP)
    access.use(b"key", [])
    assert (access.authenticate(token), access.principal("1"), access.seal("1")) == (None, None, b"")


def test_a_token_ends_when_it_says() -> None:
    """It is good before the second of its end and no more from then on."""
    token, now_s = new_token(), [99.9]
    access = Access(b"key", [Token(hash_of(token), REP, expires_s=100.0)], lambda: now_s[0])
    assert (access.authenticate(token), access.principal("1")) == (REP, REP)
    now_s[0] = 100.0
    assert (access.authenticate(token), access.principal("1")) == (None, None)


@pytest.mark.parametrize("held", [0, 1, 5])
def test_every_token_is_compared_whichever_is_asked_for(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the time tells neither whether there is such a token nor which it is."""
    tokens = [new_token() for _ in range(held)]
    access = Access(
        b"key", [Token(hash_of(token), Principal(str(at), "x", "operator")) for at, token in enumerate(tokens)]
    )
    for asked in (*tokens, new_token(), ""):
        compared: list[bytes] = []

        def compare(one: bytes, other: bytes, compared: list[bytes] = compared) -> bool:
            compared.append(one)
            return one == other

        monkeypatch.setattr("engine.web.gate.access.hmac.compare_digest", compare)
        access.authenticate(asked)
        assert len(compared) == held


def test_sessions_and_names_of_leads_have_keys_of_their_own() -> None:
    """What a lead calls itself can then never make a session's signature."""
    access = Access(b"key")
    assert len({access.session_key, access.lead_key, b"key"}) == 3
    assert Access(b"key").lead_key == access.lead_key
    assert Access(b"other").lead_key != access.lead_key
