"""A simulated company site: visitors browse, read, download, fill in forms, say who they are and come back.

Pure and seeded. Most visitors look at a page or three and stay cold; some read on; a few ask for a demo. Time runs
about sixty times as fast as on a real site: a page is read in a second, a day off is half a minute.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from engine.local import people

Event = dict[str, Any]

EVENTS_PER_VISITOR = 2.6
"""About as many events come from a visitor on average."""

_SITE = "https://www.example.com"
_PRODUCTS = ("/products/insurance", "/products/loans", "/products/pensions")
_PAPERS = ("/files/buyers-guide.pdf", "/files/price-list.pdf", "/files/case-study-retail.pdf")
_BLOG = ("/blog/five-risks-of-growing-firms", "/blog/what-a-loan-costs", "/blog/pensions-explained")
_JOBS = ("/careers", "/careers/claims-handler", "/careers/data-engineer")
_TITLES = {
    "/": "Cover and credit for growing firms",
    "/about": "About us",
    "/customers": "What customers say",
    "/pricing": "Pricing",
    "/contact": "Talk to us",
    "/webinars/renewals": "Webinar: renewals without surprises",
}
_READS_S = 0.7
_AWAY_S = (10.0, 40.0)


class Step(NamedTuple):
    """An event and when it happens, in seconds after the start, by which visitor.

    The event states no time: who sends it does. Visitors are numbered from 0 in the order of their arrival.
    """

    at_s: float
    visitor: int
    event: Event


class _Visitor:
    """One browser, and the person before it once they have said who they are."""

    def __init__(self, seed: int, number: int) -> None:
        self.rng = Random(f"{seed}/{number}")
        # The first is in a hurry, since somebody waits for the first alert.
        self._reads_s = _READS_S if number else _READS_S / 2
        self._ids = {"anonymousId": str(UUID(int=self.rng.getrandbits(128), version=4))}
        self._number = number
        self._browser = people.browser(self.rng)
        self._sent = 0
        self.product = self.rng.choice(_PRODUCTS)
        self.arrive()

    def reads_s(self) -> float:
        """How long they stay with what is before them."""
        return min(self.rng.expovariate(1 / self._reads_s), 3 * self._reads_s)

    def arrive(self) -> None:
        """Begin a visit, from somewhere."""
        self._origin = people.origin(self.rng)
        self._page: dict[str, str] = {}

    def page(self, path: str) -> Event:
        """Open a page; the first of a visit carries where it comes from."""
        referrer = self._page.get("url", self._origin.referrer)
        search = "" if self._page else self._origin.search or ""
        title = _TITLES.get(path) or path.rpartition("/")[2].replace("-", " ").capitalize()
        self._page = {"path": path, "url": _SITE + path + search, "title": title}
        if search:
            self._page["search"] = search
        if referrer:
            self._page["referrer"] = referrer
        return self._event({"type": "page", "name": title})

    def track(self, name: str, **properties: Any) -> Event:
        """Do something on the page that is open."""
        return self._event({"type": "track", "event": name, "properties": properties})

    def identify(self) -> Event:
        """Say who they are; all later events carry their userId, as SDKs do."""
        self._ids["userId"] = f"user-{self._number}"
        return self._event({"type": "identify", "traits": people.traits(self.rng, self._number)})

    def _event(self, event: Event) -> Event:
        self._sent += 1
        context = {**self._browser, "page": self._page}
        if self._origin.campaign:
            context["campaign"] = self._origin.campaign
        return {**event, "messageId": f"{self._ids['anonymousId']}-{self._sent}", **self._ids, "context": context}


# A journey is what a visitor does: an event, or a pause of so many seconds instead.
_Journey = Iterator[Event | float]


def _cold(visitor: _Visitor) -> _Journey:
    paths = ["/", visitor.product, "/about", "/customers", *_BLOG]
    for path in visitor.rng.sample(paths, visitor.rng.choices((1, 2, 3), (55, 30, 15))[0]):
        yield visitor.page(path)


def _applicant(visitor: _Visitor) -> _Journey:
    for path in visitor.rng.sample(_JOBS, 2):
        yield visitor.page(path)
    yield visitor.page("/about")


def _warm(visitor: _Visitor) -> _Journey:
    rng = visitor.rng
    for path in ("/", visitor.product, rng.choice(_BLOG), "/pricing")[rng.randrange(2) :]:
        yield visitor.page(path)
    if rng.random() < 0.4:
        yield _download(visitor)
    if rng.random() < 0.5:
        yield visitor.identify()
        yield visitor.track("Form Submitted", form="newsletter")
    if rng.random() < 0.5:
        yield rng.uniform(*_AWAY_S)
        visitor.arrive()
        yield visitor.page(visitor.product)
        yield visitor.page("/pricing")
        if rng.random() < 0.1:
            yield visitor.track("Unsubscribed")


def _hot(visitor: _Visitor) -> _Journey:
    rng = visitor.rng
    for path in (visitor.product, "/pricing", "/customers", "/pricing"):
        yield visitor.page(path)
    yield _download(visitor)
    yield visitor.page("/contact")
    yield visitor.identify()
    yield visitor.track("Form Submitted", form="contact")
    if rng.random() < 0.7:
        yield visitor.page("/webinars/renewals")
        yield visitor.track("webinar_register", webinar="renewals")
    yield visitor.page("/pricing")
    if rng.random() < 0.6:
        yield _demo_request(visitor)
    else:
        yield visitor.track("Form Submitted", form="call-back")
    if rng.random() < 0.4:
        yield rng.uniform(*_AWAY_S)
        visitor.arrive()
        yield visitor.page("/pricing")
        yield visitor.track("sign_up", plan=rng.choice(("team", "business")))


def _decided(visitor: _Visitor) -> _Journey:
    yield visitor.page("/contact")
    yield visitor.identify()
    yield _demo_request(visitor)


def _demo_request(visitor: _Visitor) -> Event:
    return visitor.track("demo_request", product=visitor.product.rpartition("/")[2])


def _download(visitor: _Visitor) -> Event:
    path = visitor.rng.choice(_PAPERS)
    return visitor.track("file_download", file_name=path.rpartition("/")[2], file_extension="pdf", link_url=path)


_KINDS: tuple[Callable[[_Visitor], _Journey], ...] = (_cold, _applicant, _warm, _hot, _decided)
_KIND_WEIGHTS = (78, 5, 12, 4, 1)


def visits(seed: int, events_per_s: float) -> Iterator[Step]:
    """All that happens on the site, without end, in order of time; about `events_per_s` after the first seconds.

    Visitor number n does the same at any rate. The very first is one who asks for a demo, so that there is
    something to see at once.
    """
    arrivals = Random(seed)
    under_way: list[tuple[float, int, _Visitor, _Journey]] = []
    arrives_s, number = 0.0, 0
    while True:
        if not under_way or arrives_s <= under_way[0][0]:
            visitor = _Visitor(seed, number)
            kind = visitor.rng.choices(_KINDS, _KIND_WEIGHTS)[0] if number else _hot
            heappush(under_way, (arrives_s, number, visitor, kind(visitor)))
            arrives_s += arrivals.expovariate(events_per_s / EVENTS_PER_VISITOR)
            number += 1
        at_s, of, visitor, journey = heappop(under_way)
        happens = next(journey, None)
        if happens is None:
            continue
        pause_s = happens if isinstance(happens, float) else visitor.reads_s()
        heappush(under_way, (at_s + pause_s, of, visitor, journey))
        if isinstance(happens, dict):
            yield Step(at_s, of, happens)
