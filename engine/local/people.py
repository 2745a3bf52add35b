"""Who visits the simulated site, and from where. All made up; mail addresses are at example.com."""

from random import Random
from typing import Any, NamedTuple

_FIRST = (
    *("Ada", "Amara", "Anders", "Bao", "Carmen", "Daniel", "Elif", "Farid", "Grace", "Hana", "Ines", "Jonas"),
    *("Kavya", "Liam", "Mei", "Noor", "Olga", "Pablo", "Priya", "Rosa", "Samir", "Tomas", "Uma", "Yara"),
)
_LAST = (
    *("Abbott", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Iyer", "Jensen", "Kowalski"),
    *("Lopez", "Mehta", "Novak", "Okafor", "Petrov", "Rossi", "Sato", "Tanaka", "Varga", "Weber", "Young"),
)
_COMPANIES = (
    *("Northwind Traders", "Contoso", "Fabrikam", "Initech", "Globex", "Umbrella Books", "Hooli Farms", "Acme Tools"),
    *("Stark Bakery", "Wayne Logistics", "Cyberdyne Care", "Tyrell Optics", "Soylent Foods", "Vandelay Imports"),
)
_TITLES = (
    *("CEO", "CFO", "Founder", "Owner", "Head of Operations", "Finance Manager", "Office Manager", "Analyst"),
    *("Consultant", "Engineer", "Student"),
)
_INDUSTRIES = ("finance", "insurance", "banking", "retail", "logistics", "health", "manufacturing", "software")
_EMPLOYEES = (3, 12, 40, 120, 400, 2500)
_COUNTRIES = ("US", "US", "US", "US", "IN", "IN", "DE", "GB", "FR", "BR", "NL", "JP")
_US_PLACES = (
    *("MA 02134 Boston", "NY 10001 New York", "PA 19103 Philadelphia", "CA 94103 San Francisco", "WA 98101 Seattle"),
    *("TX 75201 Dallas", "IL 60601 Chicago"),
)
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)


class Origin(NamedTuple):
    """Where a visit comes from: the page before, the query it lands with, and the campaign in that query."""

    referrer: str | None = None
    search: str | None = None
    campaign: dict[str, str] | None = None


NEWSLETTER = Origin(
    None,
    "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn",
    {"source": "newsletter", "medium": "email", "name": "autumn"},
)
_ORIGINS = (
    Origin(),
    Origin("https://www.google.com/"),
    Origin("https://duckduckgo.com/"),
    Origin("https://www.linkedin.com/feed/"),
    Origin("https://blog.example.org/choosing-business-insurance"),
    NEWSLETTER,
    Origin(
        "https://www.google.com/",
        "?utm_source=google&utm_medium=cpc&utm_campaign=business-insurance&gclid=demo",
        {"source": "google", "medium": "cpc", "name": "business-insurance"},
    ),
)
_ORIGIN_WEIGHTS = (30, 25, 5, 12, 8, 10, 10)


def origin(rng: Random) -> Origin:
    """Where one visit comes from."""
    return rng.choices(_ORIGINS, _ORIGIN_WEIGHTS)[0]


def browser(rng: Random) -> dict[str, Any]:
    """What a browser says of itself in `context`; the address is from a range for documentation."""
    return {
        "ip": f"203.0.113.{rng.randrange(1, 255)}",
        "userAgent": rng.choice(_AGENTS),
        "locale": rng.choice(("en-US", "en-GB", "de-DE", "fr-FR", "en-IN")),
        "channel": "web",
    }


def traits(rng: Random, number: int) -> dict[str, Any]:
    """What visitor `number` writes into a form about themselves."""
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    said = {
        "firstName": first,
        "lastName": last,
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{number}@example.com".lower(),
        "company": rng.choice(_COMPANIES),
        "title": rng.choice(_TITLES),
        "industry": rng.choice(_INDUSTRIES),
        "employees": rng.choice(_EMPLOYEES),
        "country": rng.choice(_COUNTRIES),
        "age": rng.randrange(22, 66),
    }
    if said["country"] != "US":
        return said
    state, zip_, city = _US_PLACES[number % len(_US_PLACES)].split(maxsplit=2)
    return {**said, "state": state, "zip": zip_, "city": city}
