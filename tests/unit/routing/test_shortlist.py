"""A list of the rules that may be for a lead leaves out none that is, so that decisions are as if all were tried."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.routing.shortlist import Shortlist
from tests.unit.routing.examples import request, routing

WORDS = ("loans", "Cards", "us", "3")
FIELDS = ("product", "traits.plan", "traits.sizes")
ORGANISATION = {"assign_on": [], "reps": {"a": {}}}

words = st.sampled_from(WORDS)
values = st.one_of(
    words,
    st.sampled_from(("l*", 3, True)),
    st.lists(words, min_size=1, max_size=3),
    st.fixed_dictionaries({"in": st.lists(words, min_size=1, max_size=3)}),
    st.sampled_from(({"exists": False}, {"exists": True}, {"not_in": ["loans"]}, {"gte": 3}, {"contains": "a"})),
)
entries = st.dictionaries(st.sampled_from(FIELDS), values, min_size=1, max_size=3)
conditions = st.recursive(
    entries,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=3,
)
said = st.one_of(st.none(), words, words.map(str.upper), st.sampled_from((3, True, [])), st.lists(words, max_size=2))


def shortlist(*conditions: dict[str, Any] | None) -> Shortlist:
    """Of rules `0`, `1`, … with these conditions."""
    rules = [
        {"name": f"{number}", "to": {"rep": "a"}, **({} if when is None else {"when": when})}
        for number, when in enumerate(conditions)
    ]
    return routing(json.dumps({**ORGANISATION, "rules": rules})).shortlist


@settings(max_examples=150, deadline=None)
@given(st.lists(conditions, max_size=6), st.sampled_from((None, *WORDS)), said, said)
def test_every_rule_that_holds_for_a_lead_is_on_its_list(
    stated: list[dict[str, Any]], product: str | None, plan: object, sizes: object
) -> None:
    """Whatever its condition asks for, and whatever the lead's fields hold."""
    rules = [{"name": f"{number}", "to": {"rep": "a"}, "when": when} for number, when in enumerate(stated)]
    made = routing(json.dumps({**ORGANISATION, "rules": rules}))
    lead = request(product=product, traits={"plan": plan, "sizes": sizes})
    holding = {rule.name for rule in made.rules if rule.when is not None and rule.when.holds(lead)}
    assert holding <= set(made.shortlist.of(lead))


def test_a_rule_is_found_by_the_text_that_fewest_others_ask_for() -> None:
    """All of the first three ask for a country, so a lead from the US that likes cards has two on its list."""
    us = {"country": "US"}
    made = shortlist(
        {**us, "product": "loans"}, {"product": ["Cards", "trips"], **us}, {"product": "trips", **us}, None
    )
    lead = request(product="cards", traits={"country": "US"})
    assert set(made.of(lead)) == {"1", "3"}


def test_what_is_not_there_is_none_of_the_texts_and_a_list_may_be_any() -> None:
    made = shortlist({"traits.plan": "gold"}, {"traits.plan": {"exists": False}})
    assert set(made.of(request(traits={}))) == {"1"}
    assert set(made.of(request(traits={"plan": ["gold", "x"]}))) == {"0", "1"}
