"""A small sales organisation and what asks it for a rep."""

from typing import Any

import msgspec

from engine.core.messages import LeadRequested
from engine.core.records import Cause
from engine.routing.config import Routing
from engine.routing.routingfile import load_routing

CONFIG = """\
assign_on: [hot-lead]
reps: {andy: {}, bea: {}, ravi: {}, mina: {}}
teams: {us: {reps: [andy, bea]}, india: {reps: [ravi, mina]}}
rules:
  - {name: best, when: {total: {gt: 90}}, to: {rep: andy}}
  - {name: us, when: {traits.country: US}, to: {team: us}}
  - {name: known, when: {known: true}, to: {team: india}}
"""
CAUSE = Cause("visitor-events", 3, 42, "m-1", "demo_request", "2026-11-23T04:30:00.000Z")


def routing(text: str = CONFIG) -> Routing:
    return load_routing(text, "routing.yaml")


def request(lead: str = "ada", alert: str = "a1", **changes: Any) -> LeadRequested:
    usual = LeadRequested(
        lead=lead,
        profile=f"browser-of-{lead}",
        partition=3,
        desk="main",
        alert=alert,
        alert_name="hot-lead",
        at=1_000,
        total=85.0,
        engagement=85.0,
        fit=0.0,
        band="hot",
        grade="D",
        stage="lead",
        known=True,
        fast_track=False,
        owner=None,
        traits={"country": "US"},
        cause=CAUSE,
    )
    return msgspec.structs.replace(usual, **changes)
