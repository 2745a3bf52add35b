"""A large sales organisation: 500 reps in 100 teams, 70,000 zips, and leads that ask for a rep all over the country."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from engine.core.instants import to_rfc3339
from engine.core.messages import LeadRequested
from engine.core.records import Cause
from tests.servers.install import ROOT
from tests.unit.routing.examples import request

REPS, TEAMS, ZIPS = 500, 100, 70_000
PRODUCTS = [f"product-{number}" for number in range(20)]
LANGUAGES = ("en", "es", "fr", "de")
_US = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
ZONES = (*_US, "Asia/Kolkata", "Europe/Berlin")
STATES = "AL AZ CA CO CT FL GA IA IL IN KS LA MA MD MI MN MO NC NJ NM NV NY OH OK OR PA TN TX UT VA WA WI".split()
SEED = 1


def write_organisation(folder: Path) -> None:
    """The shipped model and names of events, and the organisation's `routing.yaml` and `zips.csv`, in `folder`."""
    draw = Random(SEED)
    for name in ("model.yaml", "events.yaml"):
        (folder / name).write_text((ROOT / "config" / name).read_text())
    names = [f"rep-{number}" for number in range(REPS)]
    rows = [f"{zip_of(number)},{names[draw.randrange(REPS)]}" for number in range(ZIPS)]
    (folder / "zips.csv").write_text("zip,rep\n" + "\n".join(rows) + "\n")
    # JSON is YAML.
    (folder / "routing.yaml").write_text(json.dumps(_routing(names, draw), indent=1))


def zip_of(number: int) -> str:
    """One of the zips in the file."""
    return f"{number + 1_000:05}"


def requests(count: int, at_ms: int, first: int = 0) -> Iterator[LeadRequested]:
    """Leads that ask for a rep at that instant: half of them by a zip in the file, a tenth from abroad.

    `first` is the number of the first of them.
    """
    draw = Random(SEED + 1)
    for number in range(first, first + count):
        abroad = draw.random() < 0.1
        place = {"country": "IN"} if abroad else {"country": "US", "state": draw.choice(STATES)}
        if not abroad and draw.random() < 0.6:
            place["zip"] = zip_of(draw.randrange(ZIPS))
        lead = f"lead-{number}"
        yield request(
            lead,
            f"{number:032x}",
            profile=f"\x01{lead}",
            partition=number % 12,
            at=at_ms,
            total=80.0 + draw.random() * 20,
            engagement=70.0,
            fit=10.0,
            grade="C",
            stage="marketingqualifiedlead",
            traits={"email": f"{lead}@example.com", "firstName": "Ada", "company": {"name": "Example & Co"}},
            cause=Cause("visitor-events", number % 12, number, f"m-{number}", "demo_request", to_rfc3339(at_ms)),
            product=draw.choice(PRODUCTS),
            counts={"page_view": 12, "demo_request": 1},
            sessions=3,
            place={**place, "language": draw.choice(LANGUAGES)},
        )


def _routing(names: list[str], draw: Random) -> dict[str, object]:
    members = [names[number * 5 : number * 5 + 5] for number in range(TEAMS)]
    picks = ("round_robin", "weighted", "least_loaded")
    return {
        "assign_on": ["hot-lead"],
        "holidays_from": "US",
        "territories": {
            "zips": {"country": "US", "zip_file": "zips.csv"},
            **{state.lower(): {"country": "US", "state": state} for state in STATES},
        },
        "regions": {
            f"region-{number}": {"manager": names[number * 50], "reps": names[number * 50 : number * 50 + 50]}
            for number in range(10)
        },
        "reps": {name: _rep(number, draw) for number, name in enumerate(names)},
        "teams": {f"team-{number}": {"reps": reps, "pick": picks[number % 3]} for number, reps in enumerate(members)},
        "rules": [
            {"name": "own-territory", "when": {"country": "US"}, "to": "territory"},
            *(
                {
                    "name": f"product-{number}",
                    "when": {"product": PRODUCTS[number % 20], "country": "US"},
                    "to": {"team": f"team-{number}"},
                    "needs": ["language"],
                    "nobody": "next_rule",
                }
                for number in range(TEAMS - 1)
            ),
            {"name": "everyone-else", "to": {"team": f"team-{TEAMS - 1}"}, "nobody": "assign_anyway"},
        ],
        "sla": {"hot": {"accept_within": "15m", "contact_within": "1h"}, "remind_at": 0.5},
    }


def _rep(number: int, draw: Random) -> dict[str, object]:
    return {
        "name": f"Rep {number}",
        "email": f"rep-{number}@example.com",
        "territories": [STATES[number % len(STATES)].lower()],
        "time_zone": ZONES[number % len(ZONES)],
        "hours": {"mon-fri": ["08:00-12:30", "13:30-18:00"], "sat-sun": "10:00-12:00"},
        "vacations": ["2026-07-01/2026-07-14"],
        "weight": 1 + number % 3,
        "capacity": {"open": 10_000, "per_day": 10_000},
        "skills": {"language": draw.sample(LANGUAGES, 2)},
    }
