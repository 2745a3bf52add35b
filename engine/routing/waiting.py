"""Leads that wait for a rep: handed out by score, then age, as soon as somebody is there."""

from msgspec.structs import replace

from engine.routing.assigning import Told, Trigger, look_by, passed, settle
from engine.routing.availability import back_ms
from engine.routing.decide import choose
from engine.routing.desk import Desk

HANDED_OUT_MAX = 500
"""At once; what is left goes out right behind it, in a transaction of its own where they are many."""


def hand_out(desk: Desk, trigger: Trigger) -> list[Told]:
    """Give those who wait to the reps who are there, and see when to look again."""
    told: list[Told] = []
    nobody: dict[bytes, int | None] = {}
    for lead, wait in desk.waiting():
        if wait.sort in nobody:
            continue
        if len(told) == HANDED_OUT_MAX:
            desk.look_at_queue(trigger.at_ms)
            return told
        held = desk.held(lead)
        assert held is not None
        request = held.request
        choice = choose(desk, request, trigger.at_ms, excluded=passed(held))
        if choice.rep is not None:
            told.append(settle(desk, held, request, choice, trigger))
            continue
        nobody[choice.sort] = choice.back_ms
        if choice.sort != wait.sort:
            desk.hold(lead, replace(held, rule=choice.rule, team=choice.team, wait=replace(wait, sort=choice.sort)))
    desk.look_at_queue(min((back_ms for back_ms in nobody.values() if back_ms is not None), default=None))
    return told


def hand_out_freed(desk: Desk, trigger: Trigger) -> list[Told]:
    """Likewise, where somebody can take more than before: now, or else once they are there."""
    if not desk.queue.waiting:
        return []
    reps = [desk.routing.reps[rep] for rep in desk.freed if rep in desk.routing.reps]
    backs = [back_ms(rep, desk.load(rep.id), trigger.at_ms) for rep in reps]
    if trigger.at_ms in backs:
        return hand_out(desk, trigger)
    for back in backs:
        look_by(desk, back)
    return []
