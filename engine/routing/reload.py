"""A changed `routing.yaml`: rows that name what is gone, and clocks that run by other hours now."""

from msgspec.structs import replace

from engine.core.messages import MAIN_DESK, LeadRequested, OwnerChanged
from engine.routing.assigning import Told, Trigger, look_by, reassign
from engine.routing.desk import Desk
from engine.routing.rows import OPEN, Held, Load
from engine.routing.sla import scheduled, timed
from engine.routing.union import released

RELOAD = "routing"


def restate(desk: Desk, key: bytes, trigger: Trigger) -> list[Told]:
    """Bring the row under `key` up to the routing; `trigger` is the reload."""
    found = desk.read(key)
    if found is None:
        return []
    kind, name, row = found
    if isinstance(row, Held):
        return _lead(desk, name, row, trigger)
    if isinstance(row, Load):
        if name not in desk.routing.reps and row.open == 0:
            desk.give_up(key)
    elif kind == "pool" and not _is_there(desk, name):
        desk.give_up(key)
    return []


def dissolved(desk: Desk, key: bytes) -> LeadRequested | None:
    """Give up the row under `key` of a desk that is no more; what another is to be asked for the lead in it."""
    found = desk.read(key)
    if found is None:
        return None
    _, lead, row = found
    if not isinstance(row, Held):
        desk.give_up(key)
        return None
    desk.hold(lead, None)
    if row.state not in OPEN and row.state != "waiting":
        return None
    return replace(row.request, desk=MAIN_DESK, owner=row.rep)


def _lead(desk: Desk, lead: str, held: Held, trigger: Trigger) -> list[Told]:
    gone = None if desk.routing.keep_removed else _gone(desk, held)
    if gone is not None and held.state in OPEN:
        return [reassign(desk, held, trigger, gone)]
    if gone is not None and held.rep not in desk.routing.reps:
        return [_owned_by_nobody(desk, lead, held, trigger, gone)]
    if gone is not None:
        desk.hold(lead, replace(held, team=None, rule=None))
        return []
    rep = desk.routing.reps.get(held.rep or "")
    clock = None if held.clock is None or rep is None else timed(held.clock, rep, desk.load(rep.id))
    wait = None
    if held.wait is not None:
        # Once for each: who was freed before this row may have had the queue looked at already, past this lead.
        wait = replace(held.wait, sort=b"")
        look_by(desk, trigger.at_ms)
    row = scheduled(desk, replace(held, clock=clock, wait=wait))
    if row != held:
        desk.hold(lead, row)
    return []


def _owned_by_nobody(desk: Desk, lead: str, held: Held, trigger: Trigger, why: str) -> Told:
    """Sales are done with the lead, and its owner is no more: it goes by the rules when it asks again."""
    after = replace(held.without_rep(), call_at=None)
    desk.hold(lead, scheduled(desk, after))
    told = released(desk, held, lead, why, trigger)
    owner = OwnerChanged(lead, held.profile, None, trigger.at_ms, trigger.cause)
    return told._replace(messages=(owner,), partition=held.partition)


def _gone(desk: Desk, held: Held) -> str | None:
    """Why the lead is with nobody who could have got it, None where that is not so."""
    if held.rep is None:
        return None
    if held.rep not in desk.routing.reps:
        return f"{held.rep} is no rep any more"
    if held.team is not None and held.team not in desk.routing.teams:
        return f"there is no team {held.team} any more"
    return None


def _is_there(desk: Desk, pool: str) -> bool:
    _, kind, name = pool.split("/", 2)
    return name in desk.routing.teams if kind == "team" else kind != "region" or name in desk.routing.regions
