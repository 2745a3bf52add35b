"""How it stands with a lead at the desk after what the desk and its reps have told."""

from collections.abc import Sequence

import pytest

from engine.core.records import TraceStep
from engine.readmodel.case import TEXT_CHARS_MAX, TRACE_MAX, Case, CaseState, heard, shown_trace
from engine.readmodel.dossier import Dossier, News, fold
from tests.unit.readmodel.told import decided, instant, moved, said


def after(*told: News) -> Case:
    """The case after these records."""
    dossier: Dossier | None = None
    for one in told:
        dossier = fold(dossier, one)
    assert dossier is not None
    assert dossier.case is not None
    return dossier.case


ASSIGNED = decided("assigned", 0, due=30)
ACCEPTED = said("accepted", 5, due=65)


@pytest.mark.parametrize(
    ("told", "state", "rep"),
    [
        ([decided("queued", 0, rep=None)], "waiting", None),
        ([ASSIGNED], "assigned", "andy"),
        ([ASSIGNED, decided("reassigned", 30, rep="bea")], "assigned", "bea"),
        ([ASSIGNED, decided("escalated", 30, rep="mia")], "assigned", "mia"),
        ([ASSIGNED, decided("reminded", 20, due=30)], "assigned", "andy"),
        ([ASSIGNED, ACCEPTED], "accepted", "andy"),
        ([ASSIGNED, said("declined", 5)], "assigned", "andy"),
        ([ASSIGNED, said("noted", 5)], "assigned", "andy"),
        ([ASSIGNED, ACCEPTED, said("contacted", 9)], "contacted", "andy"),
        ([ASSIGNED, said("snoozed", 9, until=500)], "snoozed", "andy"),
        ([ASSIGNED, said("snoozed", 9, until=500), decided("call_due", 500)], "call_due", "andy"),
        ([ASSIGNED, said("qualified", 9)], "working", "andy"),
        ([ASSIGNED, said("opportunity", 9)], "working", "andy"),
        ([ASSIGNED, said("won", 9)], "closed", "andy"),
        ([ASSIGNED, said("lost", 9)], "closed", "andy"),
        ([ASSIGNED, said("disqualified", 9)], "closed", None),
        ([ASSIGNED, said("recycled", 9)], "closed", None),
        ([ASSIGNED, said("won", 9), said("contacted", 10)], "closed", "andy"),
        ([ASSIGNED, said("lost", 9), said("opportunity", 10)], "working", "andy"),
        ([ASSIGNED, decided("released", 9, rep=None)], "released", None),
        ([said("contacted", 9)], "contacted", "andy"),
        ([decided("queued", 0, rep=None), moved(5)], "closed", None),
        ([ASSIGNED, moved(5)], "assigned", "andy"),
    ],
)
def test_the_state_is_what_the_last_record_says(told: Sequence[News], state: CaseState, rep: str | None) -> None:
    """Reminders, notes and refusals change none, nor does a call what is closed.

    The desk writes nothing of a lead that waited and is recycled: its stage tells it.
    """
    case = after(*told)
    assert (case.state, case.rep) == (state, rep)


def test_the_territories_are_those_of_the_last_record_of_the_desk() -> None:
    """What a rep says leaves them as they are."""
    assert after(decided("assigned", 0)).territories == ()
    both = decided("assigned", 0, territories=["maine", "new-england"])
    assert after(both, ACCEPTED, said("contacted", 9)).territories == ("maine", "new-england")
    assert after(both, decided("reassigned", 30, rep="bea", territories=["maine"])).territories == ("maine",)
    assert after(said("contacted", 9)).territories == ()


def test_clocks_are_those_of_the_desk() -> None:
    """Accept by 30, then contact by 65; done with the first contact. What is asked anew has a clock of its own."""
    assert after(ASSIGNED).due_ms == instant(30)
    accepted = after(ASSIGNED, ACCEPTED)
    assert (accepted.due_ms, accepted.since_ms, accepted.asked_ms) == (instant(65), instant(5), instant(0))
    contacted = after(ASSIGNED, ACCEPTED, said("contacted", 9))
    assert (contacted.due_ms, contacted.contacted_ms) == (None, instant(9))
    again = after(ASSIGNED, ACCEPTED, said("contacted", 9), decided("assigned", 100, due=130))
    assert (again.state, again.due_ms, again.asked_ms, again.contacted_ms) == (
        "assigned",
        instant(130),
        instant(100),
        None,
    )


def test_who_keeps_a_lead_with_the_same_deadline_goes_on_where_they_were() -> None:
    """A second alert while the first one's clock runs, or where there is none, asks nothing new; its reason is kept."""
    case = after(ASSIGNED, ACCEPTED, decided("assigned", 10, due=65, reason="andy has it", alert="alert-2"))
    assert (case.state, case.since_ms, case.reason, case.alert) == ("accepted", instant(5), "andy has it", "alert-2")
    worked = after(ASSIGNED, said("qualified", 9), decided("assigned", 20))
    assert (worked.state, worked.contacted_ms) == ("working", instant(9))


def test_a_case_is_asked_once_until_somebody_is_in_touch() -> None:
    """Queued at 0, assigned at 10, reassigned at 40: asked at 0. Closed and asked again at 90: asked at 90."""
    told = [decided("queued", 0, rep=None), decided("assigned", 10), decided("reassigned", 40, rep="bea")]
    case = after(*told)
    assert (case.asked_ms, case.since_ms) == (instant(0), instant(40))
    assert after(*told, said("lost", 50, rep="bea"), decided("assigned", 90)).asked_ms == instant(90)
    still = after(decided("queued", 0, rep=None), decided("queued", 10, rep=None))
    assert (still.state, still.since_ms) == ("waiting", instant(0))


def test_a_call_stays_planned_until_it_is_due_or_the_case_is_closed() -> None:
    """Contacted in between or not; once it was due a contact does it."""
    snoozed = [ASSIGNED, said("snoozed", 9, until=500)]
    assert after(*snoozed).call_ms == instant(500)
    assert after(*snoozed, said("contacted", 20)).call_ms == instant(500)
    assert after(*snoozed, said("lost", 20)).call_ms is None
    assert after(*snoozed, decided("call_due", 500), said("contacted", 510)).call_ms is None


def test_a_reminder_is_shown_until_something_is_done() -> None:
    """The trace of the decision stays, since a reminder decides nothing."""
    case = after(ASSIGNED, decided("reminded", 20, due=30, trace=[], reason="to be accepted"))
    assert (case.reminded, case.reason, len(case.trace)) == (True, "next in team us", 1)
    assert not after(ASSIGNED, decided("reminded", 20, due=30), ACCEPTED).reminded


def test_a_long_trace_keeps_its_ends() -> None:
    """A step between says how many are left out, and every text is cut and clean."""
    steps = [TraceStep("rep", f"rep-{number}", "passed over", "x\x1b" * 999) for number in range(100)]
    shown = shown_trace(steps)
    assert len(shown) == TRACE_MAX
    assert (shown[0].candidate, shown[-1].candidate) == ("rep-0", "rep-99")
    assert [step.why for step in shown if step.outcome == "left out"] == ["61 steps are not kept"]
    assert all(len(step.why) <= TEXT_CHARS_MAX and "\x1b" not in step.why for step in shown)


def test_the_case_says_when_it_heard_last() -> None:
    """The event time, and when it was written."""
    one = decided("assigned", 3)._replace(told_ms=instant(7))
    case = heard(None, one.type, one.data, one.time_ms, one.told_ms)  # type: ignore[arg-type]
    assert (case.at_ms, case.told_ms) == (instant(3), instant(7))
