"""Turns are fair: whoever is there throughout gets a share by weight, whoever else comes, goes, joins or leaves."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE
from tests.laws.books import is_new
from tests.laws.models import LAW
from tests.laws.offices import ORGANISATIONS
from tests.laws.test_calendars import Plan
from tests.routing.days import LEADS, Act, Ask, Day, Go, Life, Reload, Rest, Say
from tests.routing.organisations import Organisation, Pool, Region, Rep, Rule, organisations
from tests.unit.routing.examples import request

ALWAYS = Plan("UTC", {}, frozenset(), ())
WEIGHTS = (1.0, 2.0, 3.0, 0.5, 0.1)
OTHERS = ("cy", "di")
MEMBERS = ("ann", "bob", *OTHERS)
SAID = ("accepted", "contacted", "snoozed", "won", "recycled")


@st.composite
def offices(draw: st.DrawFn) -> list[Organisation]:
    """A pool with two who are always there, and others; several versions of it, in which only the others differ."""
    ann, bob = (Rep(ALWAYS, draw(st.sampled_from(WEIGHTS))) for _ in range(2))
    order = draw(st.permutations(MEMBERS))
    pick, absence = draw(st.sampled_from(("round_robin", "weighted"))), draw(st.sampled_from(("parity", "catch_up")))
    to = draw(st.sampled_from(("team one", "region east"))) if pick == "round_robin" else "team one"
    found = []
    for _ in range(2):
        drawn = draw(st.sampled_from(organisations(ORGANISATIONS))).reps
        there = {"ann": ann, "bob": bob, **{name: drawn[name] for name in OTHERS if name in drawn}}
        members = tuple(name for name in order if name in there)
        found.append(
            Organisation(there, (Rule(to),), {"one": Pool(members, pick, "wait", absence)}, {"east": Region(members)})
        )
    return found


@st.composite
def histories(draw: st.DrawFn, begin: Organisation, others: list[Organisation], size: int = 40) -> Day:
    """Leads of whom each asks once, while the others come and go."""
    acts: list[tuple[int, Act]] = []
    for number in range(draw(st.integers(2, size))):
        wait_ms = draw(st.sampled_from((0, MINUTE, HOUR, 7 * HOUR, DAY)))
        kind = draw(st.sampled_from(("ask", "ask", "ask", "ask", "go", "other")))
        act: Act = Ask(request(f"lead-{number}"))
        if kind == "go":
            act = Go(draw(st.sampled_from(("away", "available"))), draw(st.sampled_from(OTHERS)))
        elif kind == "other" and others:
            act = Reload(draw(st.sampled_from(others)))
        acts.append((wait_ms, act))
    return Day(begin, tuple(acts))


@settings(LAW, max_examples=80)
@given(st.data(), offices())
def test_two_who_are_there_throughout_get_the_same_by_weight(data: st.DataObject, versions: list[Organisation]) -> None:
    """At any time |n_a / w_a − n_b / w_b| ≤ max(1 / w_a, 1 / w_b), where turns go by weight; else all weigh 1."""
    day = data.draw(histories(versions[0], versions))
    is_weighted = versions[0].teams["one"].pick == "weighted"
    weights = {name: versions[0].reps[name].weight if is_weighted else 1.0 for name in ("ann", "bob")}
    got = dict.fromkeys(MEMBERS, 0)
    for moment in Life(day).moments():
        for told in moment.told:
            assert told.rep is not None
            got[told.rep] += 1
            ann, bob = (got[name] / weight for name, weight in weights.items())
            assert abs(ann - bob) <= max(1 / weight for weight in weights.values()) + 1e-6


@settings(LAW, max_examples=20)
@given(st.data())
def test_the_least_loaded_has_the_fewest_open_leads_by_weight(data: st.DataObject) -> None:
    """Of those who are all there nobody has less; leads are closed and put off meanwhile."""
    reps = {name: Rep(ALWAYS, data.draw(st.sampled_from(WEIGHTS))) for name in MEMBERS[:3]}
    team = Pool(tuple(reps), "least_loaded")
    acts = st.one_of(
        st.sampled_from(LEADS).map(lambda lead: Ask(request(lead))),
        st.builds(Say, st.sampled_from(SAID), st.sampled_from(LEADS), st.none(), st.just(5 * HOUR)),
        st.just(Rest()),
    )
    waits = st.sampled_from((0, MINUTE, HOUR))
    drawn = data.draw(st.lists(st.tuples(waits, acts), max_size=40))
    life = Life(Day(Organisation(reps, (Rule("team one"),), {"one": team}), tuple(drawn)))
    before = life.loads()
    for moment in life.moments():
        for told in moment.told:
            if is_new(told):
                loads = {name: (before[name].open if name in before else 0) / rep.weight for name, rep in reps.items()}
                assert loads[told.rep or ""] <= min(loads.values()) + 1e-6
        before = life.loads()
