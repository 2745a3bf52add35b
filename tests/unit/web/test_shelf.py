"""Lists of cards: who sees which, in which order, page by page, and what changed of them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.web.gate.access import Principal
from engine.web.lists import shelf as shelf_module
from engine.web.lists.cards import Card
from engine.web.lists.kinds import FACET_VALUES_MAX, Group, Held, kind_of
from engine.web.lists.shelf import Changes, Page, Shelf
from engine.web.lists.views import PLACES, Unwanted, View, Wanted, has_case, is_open
from tests.unit.web.principals import ANDY, BLIND, EAST, EVERYBODY, OPERATOR, card

LEADS = [f"lead-{number}" for number in range(12)]
STATES = [None, "waiting", "assigned", "accepted", "contacted", "snoozed", "call_due", "working", "closed", "released"]

cards = st.builds(
    card,
    st.sampled_from(LEADS),
    total=st.sampled_from([0.0, 30.0, 30.5, 80.0]),
    owner=st.sampled_from([None, "andy", "bea", "carla"]),
    region=st.sampled_from([None, "east", "west"]),
    territories=st.sampled_from([(), ("north",), ("south",), ("north", "south")]),
    band=st.sampled_from(["hot", "cold"]),
    state=st.sampled_from(STATES),
    asked_ms=st.integers(0, 3),
    since_ms=st.integers(0, 3),
    due_ms=st.none() | st.integers(0, 3),
    call_ms=st.none() | st.integers(0, 3),
    contacted_ms=st.none() | st.integers(0, 3),
    name=st.sampled_from(["Ada Lovelace", "Bob", "STRASSE", "straße"]),
)
wishes = st.builds(
    Wanted,
    view=st.sampled_from(list(PLACES)),
    mine=st.booleans(),
    owner=st.sampled_from([None, None, "andy", "bea"]),
    band=st.sampled_from([None, None, "hot"]),
    territory=st.sampled_from([None, None, "north", "nowhere"]),
    q=st.sampled_from(["", "", "ada", "lead-1", "~", "strasse"]),
)
principals = st.sampled_from(EVERYBODY)
steps = st.lists(cards | st.sampled_from(LEADS), max_size=20)


def shelf_of(*changes: Card | str, **limits: int) -> Shelf:
    """A loaded shelf after cards were put and leads dropped."""
    shelf = Shelf(**limits)
    shelf.loaded()
    change(shelf, *changes)
    return shelf


def change(shelf: Shelf, *changes: Card | str) -> None:
    for one in changes:
        if isinstance(one, Card):
            shelf.put(one)
        else:
            shelf.drop(one)


def everything(shelf: Shelf, who: Principal, wanted: Wanted, limit: int = 1_000) -> list[Card]:
    """All pages of a list, one after the other."""
    pages: list[Page] = [shelf.page(who, wanted, None, limit)]
    while pages[-1].next is not None:
        pages.append(shelf.page(who, wanted, pages[-1].next, limit))
        assert len(pages) < 100
    return [card for page in pages for card in page.cards]


def expected(held: list[Card], who: Principal, wanted: Wanted) -> list[Card]:
    """What the list should be, the plain way."""
    in_view: dict[View, Callable[[Card], bool]] = {"hottest": lambda _: True, "day": has_case, "open": is_open}
    owner = (who.rep or "-") if wanted.mine else who.rep if wanted.view == "day" and not wanted.owner else None

    def fits(one: Card) -> bool:
        texts = [one.name, one.email, one.place, one.lead, one.key] if who.personal else [one.key]
        return (
            who.may_see(one.owner, one.region)
            and in_view[wanted.view](one)
            and owner in (None, one.owner)
            and wanted.owner in (None, one.owner)
            and wanted.band in (None, one.band)
            and wanted.territory in (None, *one.territories)
            and any(wanted.q.casefold() in text.casefold() for text in texts)
        )

    return sorted(filter(fits, held), key=PLACES[wanted.view])


@given(steps, principals, wishes, st.integers(1, 5), st.sampled_from([1, 4, 1_000]))
def test_pages_give_every_card_of_a_list_once_and_in_order(
    changes: list[Card | str], who: Principal, wanted: Wanted, limit: int, sparse: int
) -> None:
    """Whatever their size, whoever looks, and whichever way the cards are found."""
    shelf = shelf_of(*changes)
    held = {one.lead: one for one in changes if isinstance(one, Card)}
    held = {one.lead: found for one in held.values() if (found := shelf.find(one.lead)) is not None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf_module, "SPARSE", sparse)
        assert everything(shelf, who, wanted, limit) == expected(list(held.values()), who, wanted)
        assert shelf.page(who, wanted, None, limit).total == len(everything(shelf, who, wanted))


@given(steps, steps, principals, wishes, st.integers(1, 30))
def test_changes_make_an_old_list_the_new_one(
    before: list[Card | str], after: list[Card | str], who: Principal, wanted: Wanted, limit: int
) -> None:
    """Also a list that was read in part: what lies behind its end comes with the next page."""
    shelf = shelf_of(*before)
    mark, page = shelf.mark, shelf.page(who, wanted, None, limit)
    change(shelf, *after)
    changes = shelf.changes(who, wanted, mark)
    assert changes is not None
    place = PLACES[wanted.view]
    end = place(page.cards[-1]) if page.next else None
    shown = {one.key: one for one in page.cards}
    for row in changes.rows:
        shown.pop(row.key, None)
        if row.card is not None:
            assert row.place == place(row.card)
            if end is None or row.place <= end:
                shown[row.key] = row.card
    now = [one for one in everything(shelf, who, wanted) if end is None or place(one) <= end]
    assert sorted(shown.values(), key=place) == now
    assert changes.mark == shelf.mark
    assert shelf.changes(who, wanted, shelf.mark) == Changes([], shelf.mark)


@given(steps, steps, principals, wishes)
def test_nobody_hears_of_a_card_that_is_not_for_them(
    before: list[Card | str], after: list[Card | str], who: Principal, wanted: Wanted
) -> None:
    """Not that it is there, not that it changed, not that it went, and not in the counts of the filters."""
    shelf = shelf_of(*before)
    mine = {one.key for one in everything(shelf, who, wanted)}
    mark = shelf.mark
    change(shelf, *after)
    changes = shelf.changes(who, wanted, mark)
    assert changes is not None
    assert {row.key for row in changes.rows if row.card is None} <= mine
    assert all(who.may_see(row.card.owner, row.card.region) for row in changes.rows if row.card is not None)
    seen = everything(shelf, who, Wanted())
    assert sum(shelf.facets(who).band.values()) == len(seen)
    assert set(shelf.facets(who).region) == {one.region for one in seen} - {None}
    assert shelf.facets(who).territory == Counter(name for one in seen for name in one.territories)


@given(steps, st.integers(0, 3))
def test_the_coldest_without_a_case_go(changes: list[Card | str], idle_max: int) -> None:
    """Those with an open case are kept, whatever their score; the others up to a number, the hottest of them."""
    shelf = shelf_of(*changes, idle_max=idle_max)
    held = everything(shelf, OPERATOR, Wanted())
    idle = [one for one in held if not has_case(one)]
    assert len(idle) <= idle_max
    assert len(shelf) == len(held)
    last = {one if isinstance(one, str) else one.lead: one for one in changes}
    open_cases = {lead for lead, one in last.items() if isinstance(one, Card) and has_case(one)}
    assert {one.lead for one in held if has_case(one)} == open_cases


def test_who_comes_too_late_or_from_elsewhere_reads_anew() -> None:
    """A mark older than the journal, of another process, or nonsense."""
    shelf = shelf_of(journal_max=2)
    mark = shelf.mark
    change(shelf, card("a"), card("b"))
    assert shelf.changes(OPERATOR, Wanted(), mark) is not None
    change(shelf, card("c"))
    assert shelf.changes(OPERATOR, Wanted(), mark) is None
    epoch, _, sequence = shelf.mark.partition("-")
    for text in (
        "",
        "-",
        epoch,
        f"{epoch}-",
        f"{epoch}-x",
        f"{epoch}-{int(sequence) + 1}",
        f"{epoch}-٣",
        f"0-{sequence}",
    ):
        assert shelf.changes(OPERATOR, Wanted(), text) is None
    assert shelf.changes(OPERATOR, Wanted(), shelf.mark) is not None


def test_while_it_loads_nothing_changes_and_then_everything() -> None:
    """Viewers of a shelf that is filled anew read their lists once, when all is there."""
    shelf = shelf_of(card("a"))
    shelf.clear()
    mark = shelf.mark
    change(shelf, card("b"))
    assert shelf.loading
    assert shelf.changes(OPERATOR, Wanted(), mark) == Changes([], mark)
    shelf.loaded()
    assert shelf.changes(OPERATOR, Wanted(), mark) is None


def test_the_same_card_again_is_no_change() -> None:
    """A lead whose record says what was known makes no viewer's row blink."""
    shelf = shelf_of(card("a"))
    mark = shelf.mark
    change(shelf, card("a"))
    assert shelf.mark == mark
    change(shelf, card("a", total=41.0))
    assert shelf.mark != mark


def test_a_card_is_found_by_its_id_and_by_its_key() -> None:
    """Nothing else, and not once it is dropped."""
    one = card("a")
    shelf = shelf_of(one)
    for name in ("a", one.key):
        found = shelf.find(name)
        assert found is not None
        assert found.lead == "a"
    assert shelf.find("b") is None
    shelf.drop("a")
    assert shelf.find(one.key) is None


def test_a_search_tells_nothing_to_who_may_not_see_names() -> None:
    """Else one could find out an address by asking for it; the key finds the lead."""
    one = card("email:ada@example.com", name="Ada", email="ada@example.com", place="Engines")
    shelf = shelf_of(one)
    for q in ("ada", "engines", "example.com", "email:"):
        assert shelf.page(OPERATOR, Wanted(q=q)).total == 1
        assert shelf.page(BLIND, Wanted(q=q)).total == 0
    assert shelf.page(BLIND, Wanted(q=one.key[3:9])).total == 1


def test_a_day_is_of_the_rep_who_asks_or_of_the_one_asked_for() -> None:
    """A manager who is no rep's sees those of everybody in the regions."""
    mine, hers, other = (card(who, owner=who, region="east", state="assigned") for who in ("andy", "bea", "carla"))
    shelf = shelf_of(mine, hers, other)

    def leads(who: Principal, wanted: Wanted) -> list[str]:
        return sorted(one.lead for one in everything(shelf, who, wanted))

    assert leads(ANDY, Wanted(view="day")) == ["andy"]
    assert leads(ANDY, Wanted(view="day", owner="bea")) == []
    assert leads(EAST, Wanted(view="day")) == ["carla"]
    assert leads(EAST, Wanted(view="day", owner="bea")) == ["bea"]
    assert leads(replace(EAST, rep=None), Wanted(view="day")) == ["andy", "bea", "carla"]
    assert leads(OPERATOR, Wanted(mine=True)) == []


def test_facets_count_each_value_the_most_frequent_first() -> None:
    """Two hot and one warm lead; what is not set is no value."""
    hot: Any = {"band": "hot", "owner": "andy"}
    shelf = shelf_of(card("a", **hot), card("b", **hot), card("c", owner=None))
    facets = shelf.facets(OPERATOR)
    assert list(facets.band.items()) == [("hot", 2), ("warm", 1)]
    assert facets.owner == {"andy": 2}
    assert facets.team == {}


def test_of_one_filter_only_so_many_values_are_offered() -> None:
    """The most frequent: visitors can name any source. What no card has any more takes no memory."""
    several = [card(f"{number}", source=f"s{number:03}") for number in range(FACET_VALUES_MAX + 2)]
    shelf = shelf_of(*several, card("twice", source=f"s{FACET_VALUES_MAX + 1:03}"))
    offered = list(shelf.facets(OPERATOR).source)
    assert len(offered) == FACET_VALUES_MAX
    assert offered[0] == f"s{FACET_VALUES_MAX + 1:03}"
    assert offered[1:3] == ["s000", "s001"]
    group = Group()
    held = Held(several[0], kind_of(several[0]), "")
    group.add(held)
    group.remove(held)
    assert not any(group.counts.by_name.values())


def test_a_lead_in_two_territories_is_found_by_each_of_them() -> None:
    """And counted in each; beside another filter both must hold, and a name that is no territory's finds nothing."""
    both, south, none = ("north", "south"), ("south",), ()
    shelf = shelf_of(*(card(lead, territories=held) for lead, held in (("a", both), ("b", south), ("c", none))))
    change(shelf, card("d", territories=south, band="hot"))

    def leads(**wanted: Any) -> list[str]:
        return sorted(one.lead for one in everything(shelf, OPERATOR, Wanted(**wanted)))

    assert (leads(territory="north"), leads(territory="south")) == (["a"], ["a", "b", "d"])
    assert (leads(territory="south", band="hot"), leads(territory="north", band="hot")) == (["d"], [])
    assert (leads(territory="sout"), leads(territory=""), leads()) == ([], [], list("abcd"))
    assert list(shelf.facets(OPERATOR).territory.items()) == [("south", 3), ("north", 1)]
    change(shelf, card("a", territories=south))
    assert shelf.facets(OPERATOR).territory == {"south": 3}


def test_nobody_learns_the_territories_of_leads_that_are_not_for_them() -> None:
    """Neither from what there is to choose from, nor by asking for one: Andy's are in the north, Bea's in the south."""
    his, hers = (card(rep, owner=rep, territories=(place,)) for rep, place in (("andy", "north"), ("bea", "south")))
    shelf = shelf_of(his, hers)
    assert shelf.facets(ANDY).territory == {"north": 1}
    assert shelf.facets(EAST).territory == {}
    assert shelf.page(ANDY, Wanted(territory="south")) == shelf.page(ANDY, Wanted(territory="nowhere"))


def test_a_cursor_is_of_its_view() -> None:
    """One of another view, or text that is none, is refused and not guessed at."""
    shelf = shelf_of(card("a", state="waiting"), card("b", state="waiting"))
    end = shelf.page(OPERATOR, Wanted(), None, 1).next
    assert end is not None
    for text in ("", "x", end[:-3], end + "AAAA" * 100, "é"):
        with pytest.raises(Unwanted, match="cursor"):
            shelf.page(OPERATOR, Wanted(), text, 1)
    with pytest.raises(Unwanted, match="cursor"):
        shelf.page(OPERATOR, Wanted(view="open"), end, 1)
