"""What else a rule says: its bound, its group, its sources, fast track and label; and the clamps in their order."""

from typing import Any

from tests.build import DAY
from tests.examples.harness import Spec, at, chats, known, near, record, scoring, simulate


def clamps(score: dict[str, Any]) -> dict[str, float]:
    """What each clamp adds, by part and name."""
    return {f"{one['part']} {one['clamp']}": one["points"] for one in score["clamps"]}


def test_max_bounds_a_rule_on_both_sides() -> None:
    """Three chats: 3 × 10 kept to 25, 3 × −10 kept to −25."""
    up = simulate(scoring(chats(10, max=25)), at(0), at(0), at(0))
    assert (up.total(), clamps(up.score())) == (25, {"engagement rule:r1": 25 - 30})
    down = simulate(scoring(chats(-10, max=25), {"when": {"event": "call"}, "points": 60}), at(0, "call"), *[at(0)] * 3)
    assert (down.total(), clamps(down.score())) == (60 - 25, {"engagement rule:r1": 30 - 25})


def test_a_clamp_acts_on_what_is_read_and_not_on_what_is_stored() -> None:
    """40 points kept to 25: after a half-life 20 are left, which no clamp touches."""
    told = simulate(scoring(chats(10, max=25, half_life="1d")), *[at(0)] * 4, until=DAY)
    assert (told.total(), clamps(told.score())) == (40 / 2, {})


def test_a_group_bounds_the_sum_of_its_rules_after_their_own_bounds() -> None:
    """40 kept to 30 by its rule, and 20: 50 kept to 45; what is in no group comes on top."""
    rules = [
        chats(40, max=30, group="web"),
        {"when": {"event": "call"}, "points": 20, "group": "web"},
        {"when": {"event": "enquiry"}, "points": 5},
    ]
    told = simulate(scoring(*rules, groups={"web": {"max": 45}}), at(0), at(0, "call"), at(0, "enquiry"))
    assert told.total() == 45 + 5
    assert clamps(told.score()) == {"engagement rule:r1": 30 - 40, "engagement group:web": 45 - 50}
    assert {one["rule"]: one["group"] for one in told.score()["contributions"]} == {
        "r1": "web",
        "r2": "web",
        "r3": None,
    }


def test_a_group_bounds_deductions_as_well() -> None:
    rules = [chats(-30, group="bad"), {"when": {"event": "call"}, "points": 50}]
    told = simulate(scoring(*rules, groups={"bad": {"max": 20}}), at(0), at(0, "call"))
    assert (told.total(), clamps(told.score())) == (50 - 20, {"engagement group:bad": 30 - 20})


def fit(points: float) -> Spec:
    return {"fits": {"when": {"traits.title": "CEO"}, "points": points}}


def test_engagement_and_fit_are_each_at_most_the_scale() -> None:
    """130 and 120 on a scale of 100, weighted by a half and a quarter: 0.5 × 100 + 0.25 × 100."""
    spec = scoring(chats(130), fit=fit(120), total={"engagement": 0.5, "fit": 0.25})
    told = simulate(spec, known(0, title="CEO"), {"type": "track", "event": "chat", "userId": "ada"}, until=0)
    score = told.score()
    assert (score["engagement"], score["fit"], score["total"]) == (100, 100, 0.5 * 100 + 0.25 * 100)
    assert clamps(score) == {"engagement scale": 100 - 130, "fit scale": 100 - 120}


def test_the_weighted_sum_is_at_most_the_scale() -> None:
    spec = scoring(chats(70), fit=fit(50), total={"engagement": 1, "fit": 1})
    told = simulate(spec, known(0, title="CEO"), {"type": "track", "event": "chat", "userId": "ada"})
    assert (told.total(), clamps(told.score())) == (100, {"total scale": 100 - (70 + 50)})


def test_a_total_is_never_below_0() -> None:
    told = simulate(scoring(chats(-15)), at(0))
    score = told.score()
    assert (score["total"], score["engagement"], clamps(score)) == (0, 0, {"total floor": 15})


def test_a_negative_part_lowers_the_total_though_it_is_shown_as_0() -> None:
    """Fit 40 and engagement −15 come to 25."""
    spec = scoring(chats(-15), fit=fit(40))
    told = simulate(spec, known(0, title="CEO"), {"type": "track", "event": "chat", "userId": "ada"})
    score = told.score()
    assert (score["engagement"], score["fit"], score["total"], score["clamps"]) == (0, 40, 40 - 15, [])


def test_another_scale_is_the_bound_of_everything() -> None:
    """On a scale of 10 the bands are the model's own, and 12 points are 10."""
    told = simulate(scoring(chats(12), scale=10, bands={"warm": 3, "hot": 8}), at(0))
    assert (told.total(), told.score()["band"]) == (10, "hot")


def test_contributions_and_clamps_add_up_to_the_total() -> None:
    """The sum of weight × (contributions + clamps) of each part, and the clamps of part `total`; with every clamp."""
    rules = [chats(90, max=80, group="g"), {"when": {"event": "call"}, "points": 60, "group": "g"}, chats(70)]
    weights = {"engagement": 2, "fit": 0.5}
    spec = scoring(*rules, groups={"g": {"max": 90}}, fit=fit(110), total=weights)
    both = [{"type": "track", "event": name, "userId": "ada"} for name in ("chat", "call")]
    score = simulate(spec, known(0, title="CEO"), *both).score()
    parts = dict.fromkeys(("engagement", "fit", "total"), 0.0)
    for one in (*score["contributions"], *score["clamps"]):
        parts[one["part"]] += one["points"]
    # 80 + 60 → 90, with 70 → 160 → 100; 110 → 100; 2 × 100 + 0.5 × 100 = 250 → 100.
    assert (parts["engagement"], parts["fit"], parts["total"]) == (100, 100, 100 - 250)
    assert score["total"] == near(2 * parts["engagement"] + 0.5 * parts["fit"] + parts["total"])


def test_sources_counts_only_events_from_these() -> None:
    """A chat in the browser is one from `web`; `context.channel` says otherwise, and the header before it."""
    spec = scoring(chats(10, sources=["phone", "email"]))
    assert simulate(spec, at(0)).total() == 0
    assert simulate(spec, at(0, context={"channel": "phone"})).total() == 10
    assert simulate(spec, at(0, context={"channel": "server"})).total() == 0
    from_mail = record(at(0, context={"channel": "server"}), 0, **{"heatline-source": "email"})
    assert simulate(spec, from_mail).total() == 10


def test_a_fast_track_qualifies_at_once_whatever_the_points() -> None:
    spec = scoring(
        {"when": {"event": "demo_request"}, "points": 0.5, "fast_track": True},
        stages={"marketingqualifiedlead": {"any": [{"total": {"gte": 80}}, {"fast_track": True}]}},
        alerts={"now": {"fast_track": True, "priority": "high"}},
    )
    told = simulate(spec, at(0), at(DAY, "demo_request"))
    assert told.score()["fast_track"] is True
    assert told.moves() == [("subscriber", "marketingqualifiedlead", DAY)]
    assert told.alerts() == [("now", DAY)]
    assert told.on("lead-alerts")[0]["priority"] == "high"


def test_a_label_stands_in_the_explanation_and_in_the_reason() -> None:
    spec = scoring(chats(40, label="Talked to us"), alerts={"warm": {"crosses": "warm", "label": "Warm lead"}})
    told = simulate(spec, at(0))
    assert told.score()["contributions"][0]["label"] == "Talked to us"
    (alert,) = told.on("lead-alerts")
    assert (alert["label"], alert["top"][0]["label"]) == ("Warm lead", "Talked to us")
    assert alert["reason"].startswith("Talked to us")


def test_a_new_leads_score_is_0_and_never_null() -> None:
    score = simulate(scoring(chats(10)), at(0, "call")).score()
    assert (score["engagement"], score["fit"], score["total"]) == (0, 0, 0)
    assert (score["band"], score["grade"], score["contributions"], score["clamps"]) == ("cold", "D", [], [])
