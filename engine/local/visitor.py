"""A visitor of the simulated site: one browser, and the person before it once they have said who they are."""

from random import Random
from typing import Any
from uuid import UUID

from engine.local import people

Event = dict[str, Any]

PRODUCTS = ("/products/insurance", "/products/loans", "/products/pensions")
_SITE = "https://www.example.com"
_TITLES = {
    "/": "Cover and credit for growing firms",
    "/about": "About us",
    "/customers": "What customers say",
    "/pricing": "Pricing",
    "/contact": "Talk to us",
    "/cart": "Your cart",
    "/checkout": "Check-out",
    "/webinars/renewals": "Webinar: renewals without surprises",
}
_READS_S = 0.7
_CLICKS_S = 0.25


class Visitor:
    """Makes events of what a visitor does; they state no time.

    `rng` is the visitor's own, so that what one does depends on no other; `product` is what they care about.
    """

    def __init__(self, seed: int, number: int) -> None:
        self.rng = Random(f"{seed}/{number}")
        # The first is in a hurry, since somebody waits for the first alert.
        self._haste = 1 if number else 2
        self._ids = {"anonymousId": str(UUID(int=self.rng.getrandbits(128), version=4))}
        self._number = number
        self._browser = people.browser(self.rng)
        self._sent = 0
        self.product = self.rng.choice(PRODUCTS)
        self.arrive()

    @property
    def is_first(self) -> bool:
        """Whether nobody came before."""
        return self._number == 0

    @property
    def product_name(self) -> str:
        """The product as shops name it."""
        return self.product.rpartition("/")[2]

    def stays_s(self, event: Event) -> float:
        """How long they stay with what is before them after `event`."""
        mean_s = (_READS_S if event["type"] == "page" else _CLICKS_S) / self._haste
        return min(self.rng.expovariate(1 / mean_s), 3 * mean_s)

    def arrive(self, origin: people.Origin | None = None) -> None:
        """Begin a visit, from somewhere."""
        self._origin = origin or people.origin(self.rng)
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

    def mail(self, name: str) -> Event:
        """Do something with a mail, which a mail tool reports: no page is open there."""
        event = self.track(name, campaign_name="autumn")
        context = {"channel": "email"}
        return {**event, "context": context}

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
