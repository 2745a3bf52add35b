"""Whatever happens on a day: one rep at a time has a lead, who is there and has not passed it on, and none is stuck."""

from collections import Counter

from hypothesis import given, settings

from engine.routing.rows import OPEN
from tests.laws.books import GIVEN, TAKEN, Books, is_answer, is_anybody_left, is_new, rule_of, takers
from tests.laws.models import LAW
from tests.laws.offices import days
from tests.routing.days import Day, Life

DAYS = settings(LAW, max_examples=180)


@DAYS
@given(days)
def test_as_told_downstream_at_most_one_rep_has_a_lead_and_its_profile_knows_the_same_one(day: Day) -> None:
    """Each record says who had the lead before, as those before it do; rows say what was told; no id comes twice."""
    life = Life(day)
    books = Books(life)
    ids: set[str] = set()
    for moment in life.moments():
        for told in books.read(moment):
            assert told.id not in ids
            ids.add(told.id)
            had = books.has.get(told.lead)
            if told.kind in (*GIVEN, "queued", "released"):
                assert told.previous == had
            elif told.kind not in TAKEN:
                assert told.rep == had
            if told.kind in GIVEN:
                assert told.rep is not None
                assert told.kind == ("assigned" if had in (None, told.rep) else told.kind)
        for lead, held in life.held().items():
            if held.state != "moved":
                assert books.has.get(lead) == held.rep == life.owner(lead), lead


@DAYS
@given(days)
def test_who_gets_a_lead_is_named_by_the_rule_and_is_there(day: Day) -> None:
    """By the wall clock, by what the rep said, by capacity; but for a rule that says so. Managers get what is left."""
    life = Life(day)
    books = Books(life)
    for moment in life.moments():
        for told in books.read(moment):
            if not is_new(told) or told.rep is None or told.kind == "escalated":
                continue
            organisation = life.organisation
            rule, rep = rule_of(organisation, told), told.rep
            assert rule is not None
            request = life.held()[told.lead].request
            assert rule.holds(request)
            assert rep in organisation.members(rule, request)
            assert organisation.fits(rule, rep, request)
            if organisation.nobody(rule) == "assign_anyway" and "though nobody is there" in told.data["reason"]:
                continue
            stated = organisation.reps[rep]
            assert books.works(rep, moment.at_ms)
            assert stated.day_max is None or books.today(rep, moment.at_ms) < stated.day_max
            # Another, given anyway, may have come on top.
            if told is [one for one in moment.told if one.rep == rep][-1]:
                assert stated.open_max is None or life.loads()[rep].open <= stated.open_max


@DAYS
@given(days)
def test_each_alert_is_answered_and_none_twice(day: Day) -> None:
    """However often it comes, also under the id that the lead had before."""
    life = Life(day)
    answers: Counter[tuple[str, str]] = Counter()
    for moment in life.moments():
        for told in moment.told:
            if is_answer(told):
                answers[told.data["alert"], told.kind] += 1
        assert not answers or max(answers.values()) == 1
        answered = {alert for alert, _ in answers}
        assert {request.alert for request in life.alerts.values()} <= answered


@DAYS
@given(days)
def test_no_lead_is_stuck(day: Day) -> None:
    """Who asked is with a rep, closed, or waits with a reason until somebody of its pools can take it, not longer.

    Who asks again does not wait in vain because everybody missed or declined it.
    """
    life = Life(day)
    books = Books(life)
    reasons: dict[str, str] = {}
    for moment in life.moments():
        for told in books.read(moment):
            reasons[told.lead] = told.data["reason"] if told.kind == "queued" else ""
            if told.kind == "queued" and is_answer(told):
                row = life.held()[told.lead]
                passed = {*row.missed, *row.declined}
                assert not passed or is_anybody_left(life.organisation, row.request, passed)
        for lead, held in life.held().items():
            assert (held.rep is not None) == (held.state in OPEN) or held.state == "closed"
            assert (held.wait is not None) == (held.state == "waiting")
            if held.state == "waiting" and life.lane.first_due(moment.at_ms) is None:
                assert reasons.get(lead) or lead in life.moved.values()
                passed = {*held.missed, *held.declined}
                asks = any(told.lead == lead and told.kind == "queued" for told in moment.told)
                assert takers(books, held.request, passed, moment.at_ms, asks=asks) == set()


@DAYS
@given(days)
def test_a_lead_never_goes_back_to_who_missed_or_declined_it(day: Day) -> None:
    """For the same cause: until somebody has been in touch with it, or it asks again and nobody else is left."""
    life = Life(day)
    books = Books(life)
    for moment in life.moments():
        for told in books.read(moment):
            if is_new(told):
                assert told.rep not in books.passed.get(told.lead, ())


@DAYS
@given(days)
def test_what_is_counted_is_what_the_rows_of_leads_say(day: Day) -> None:
    """How many open leads a rep has, less those put off until a call; which leads wait, and how many."""
    life = Life(day)
    for _ in life.moments():
        held = life.held()
        put_off = {lead for lead, row in held.items() if row.state == "contacted" and row.call_at is not None}
        open_leads = Counter(row.rep for lead, row in held.items() if row.state in OPEN and lead not in put_off)
        assert {rep: load.open for rep, load in life.loads().items() if load.open} == open_leads
        assert life.waits() == {lead: row.wait for lead, row in held.items() if row.wait is not None}
        assert life.queue().waiting == len(life.waits())
