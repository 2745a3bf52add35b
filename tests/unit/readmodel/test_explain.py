"""An explanation adds up for whoever reads it, and obeys no visitor."""

from decimal import Decimal
from math import fsum
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.records import Clamp, Contribution, Page, Touch
from engine.readmodel.explain import explain, explain_text
from tests.unit.readmodel.samples import AT, score

points = st.floats(-1000, 1000, allow_nan=False)
parts = st.sampled_from(["engagement", "fit"])
contributions = st.lists(
    st.builds(Contribution, parts, st.just("r"), st.none(), st.none(), points, st.just(1), st.none()), max_size=12
)
clamps = st.lists(
    st.builds(Clamp, st.sampled_from(["engagement", "fit", "total"]), st.just("scale"), points), max_size=5
)
weights = st.fixed_dictionaries({"engagement": st.floats(0, 3), "fit": st.floats(0, 3)})


def total_of(made: list[Contribution], clamped: list[Clamp], by: dict[str, float]) -> float:
    """The formula of the contract, in floats."""
    summands = [by[c.part] * c.points for c in made]
    return fsum([*summands, *(by.get(clamp.part, 1.0) * clamp.points for clamp in clamped)])


@settings(deadline=None)
@given(contributions, clamps, weights)
def test_what_is_shown_adds_up(made: list[Contribution], clamped: list[Clamp], by: dict[str, float]) -> None:
    """The lines of each sum add to it digit by digit, the total is the record's, and nothing is unexplained."""
    total = total_of(made, clamped, by)
    told = explain(score(total=total, contributions=made, clamps=clamped), by)
    for part in (*told.parts, told.total):
        assert sum((line.points for line in part.lines), Decimal(0)) == part.points
    assert told.total.points == round(Decimal(total), 2)
    assert "unexplained" not in {line.rule for line in told.total.lines}


@settings(deadline=None)
@given(contributions, clamps, st.floats(0.01, 50) | st.floats(-50, -0.01))
def test_what_does_not_add_up_is_said(made: list[Contribution], clamped: list[Clamp], off: float) -> None:
    """A record whose total is another than its formula's with the stated weights has a line with the difference."""
    even = {"engagement": 1.0, "fit": 1.0}
    total = total_of(made, clamped, even) + off
    told = explain(score(total=total, contributions=made, clamps=clamped), even)
    unexplained = [line.points for line in told.total.lines if line.rule == "unexplained"]
    assert len(unexplained) == 1
    assert abs(unexplained[0] - Decimal(off)) < Decimal("0.011")


@settings(deadline=None)
@given(contributions, clamps, weights)
def test_a_record_without_its_weights_adds_up_all_the_same(
    made: list[Contribution], clamped: list[Clamp], by: dict[str, float]
) -> None:
    """The parts stand as they are, and one line says what weighing them made: no weight is guessed."""
    told = explain(score(total=total_of(made, clamped, by), contributions=made, clamps=clamped))
    assert sum((line.points for line in told.total.lines), Decimal(0)) == told.total.points
    assert [line.points for line in told.total.lines[:2]] == [part.points for part in told.parts]
    weighed = [line.points for line in told.total.lines if line.rule in ("weights", "unexplained")]
    sums = {
        part: fsum([c.points for c in made if c.part == part] + [c.points for c in clamped if c.part == part])
        for part in by
    }
    made_by_weights = fsum((by[part] - 1) * points for part, points in sums.items())
    assert abs(sum(weighed, Decimal(0)) - Decimal(made_by_weights)) < Decimal("0.011")


def test_a_score_of_nothing_has_no_weights_to_blame() -> None:
    """With no points in either part, a total that is not 0 is unexplained."""
    told = explain(score(total=5.0, contributions=[], clamps=[]))
    assert [(line.rule, line.points) for line in told.total.lines[2:]] == [("unexplained", Decimal("5.00"))]


def test_stated_weights_are_shown_as_a_product() -> None:
    """35 × 0.5 + 10 × 2 = 37.5."""
    made = [
        Contribution("engagement", "r", None, None, 35.0, 1, AT),
        Contribution("fit", "f", None, None, 10.0, 1, None),
    ]
    told = explain(score(total=37.5, contributions=made), {"engagement": 0.5, "fit": 2.0})
    assert [(str(line.points), line.note) for line in told.total.lines] == [
        ("17.50", "35.00 * 0.5"),
        ("20.00", "10.00 * 2"),
    ]


def test_more_decimals_show_what_has_faded() -> None:
    """9.99919777… is 10.00 for people, and 9.999198 for who works out a test."""
    made = [Contribution("engagement", "r", None, None, 9.99919777, 1, AT)]
    told = explain(score(total=9.99919777, contributions=made), decimals=6)
    assert [str(line.points) for line in told.parts[0].lines] == ["9.999198"]
    assert str(told.total.points) == "9.999198"


def test_the_text_of_a_score() -> None:
    """Every contribution, clamp, sum and the total, line by line."""
    made = score(
        "ada",
        58.0,
        contributions=[
            Contribution("engagement", "pricing-page", "Read the pricing page", "web", 30.0, 3, AT),
            Contribution("engagement", "page-view", None, "web", 19.0, 19, AT),
            Contribution("engagement", "demo-request", None, None, 8.004, 1, AT),
            Contribution("engagement", "call", None, None, 0.004, 1, AT),
            Contribution("fit", "c-level", "C-level title", None, 10.0, 1, None),
        ],
        clamps=[Clamp("engagement", "group:web", -9.0), Clamp("total", "scale", -0.008)],
        next_band_at=AT,
        persona="founder",
        product="loans",
        fast_track=True,
    )
    made.pages += [Page(AT, "/", None, None)]
    assert (
        explain_text(made)
        == f"""\
ada (known): 58.00, warm, as of {AT}, model m1
engagement 48.00, fit 10.00, grade B
stage lead, owner andy, persona founder, product loans, fast track
seen from {AT} to {AT}, sessions 2
first touch {AT}: paid, google, cpc, spring
last touch {AT}: paid, google, cpc, spring
changes its band by {AT} if nothing happens

engagement
      +30.00  pricing-page, Read the pricing page, 3 times, group web, last {AT}
      +19.00  page-view, 19 times, group web, last {AT}
       +8.00  demo-request, once, last {AT}
       +0.00  call, once, last {AT}
       -9.00  group:web, limit of group web
       +0.01  rounding
  ----------
       48.01

fit
      +10.00  c-level, C-level title
  ----------
       10.00

total
      +48.01  engagement
      +10.00  fit
       -0.01  scale, limit of the scale
  ----------
       58.00

pages
  {AT}  /pricing, Pricing, read for 42 s
  {AT}  /"""
    )


def test_no_visitor_commands_the_terminal() -> None:
    """Escapes, new lines and bidirectional overrides of ids, labels and bands do not reach the text."""
    hostile = "\x1b]0;owned\x07\x9b2J\r\n\u202egnp"
    page, touch = Page(hostile, hostile, hostile, 1.0), Touch(hostile, hostile, hostile, hostile, hostile)
    said: dict[str, Any] = dict.fromkeys(("band", "owner", "persona", "product", "grade", "stage"), hostile)
    made = score(hostile, **said, pages=[page], first_touch=touch, last_touch=touch, contributions=[], clamps=[])
    made.contributions = [Contribution("engagement", hostile, hostile, hostile, 40.0, 1, hostile)]
    text = explain_text(made)
    assert "owned" in text
    assert text.replace("\n", "").isprintable()
    assert text.count("\n") == explain_text(score(contributions=made.contributions)).count("\n")
