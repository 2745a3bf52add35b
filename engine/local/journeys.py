"""What the visitors of the simulated site do: each kind reads, begins, leaves or buys in its own way."""

from collections.abc import Callable, Iterator

from engine.local import people
from engine.local.visitor import Event, Visitor

Journey = Iterator[Event | float]
"""What a visitor does: an event, or a pause of so many seconds instead."""

_PAPERS = ("/files/buyers-guide.pdf", "/files/price-list.pdf", "/files/case-study-retail.pdf")
_BLOG = ("/blog/five-risks-of-growing-firms", "/blog/what-a-loan-costs", "/blog/pensions-explained")
_JOBS = ("/careers", "/careers/claims-handler", "/careers/data-engineer")
_PRICES = (49.0, 120.0, 380.0, 950.0)
_AWAY_S = (10.0, 40.0)


def cold(visitor: Visitor) -> Journey:
    """Looks at a page or three; some browsers tell when a page is closed."""
    rng = visitor.rng
    paths = ["/", visitor.product, "/about", "/customers", *_BLOG]
    for path in rng.sample(paths, rng.choices((1, 2, 3), (55, 30, 15))[0]):
        yield visitor.page(path)
        if path in _BLOG and rng.random() < 0.2:
            yield visitor.track("heartbeat")
    if rng.random() < 0.2:
        yield visitor.track("page_leave")


def applicant(visitor: Visitor) -> Journey:
    """Looks for a job."""
    for path in visitor.rng.sample(_JOBS, 2):
        yield visitor.page(path)
    yield visitor.page("/about")


def warm(visitor: Visitor) -> Journey:
    """Reads on, begins a form that is sent as often as not, and may come back by a mail."""
    rng = visitor.rng
    for path in ("/", visitor.product, rng.choice(_BLOG), "/pricing")[rng.randrange(2) :]:
        yield visitor.page(path)
    if rng.random() < 0.4:
        yield _download(visitor)
    if rng.random() < 0.7:
        yield visitor.track("form_start", form_id="newsletter")
        if rng.random() < 0.3:
            return
        yield visitor.identify()
        yield visitor.track("Form Submitted", form_id="newsletter")
        if rng.random() < 0.5:
            yield from _by_mail(visitor)
    elif rng.random() < 0.3:
        yield rng.uniform(*_AWAY_S)
        visitor.arrive()
        yield visitor.page(visitor.product)
        yield visitor.page("/pricing")


def shopper(visitor: Visitor) -> Journey:
    """Puts a product into the cart; most leave it there, some go to the check-out, some of those buy."""
    rng = visitor.rng
    price = rng.choice(_PRICES)
    product = {"product_id": visitor.product_name, "price": price, "currency": "USD"}
    yield visitor.page(visitor.product)
    yield visitor.track("Product Viewed", **product)
    yield visitor.track("Product Added", **product, quantity=1)
    yield visitor.page("/cart")
    if rng.random() < 0.5:
        return
    yield visitor.page("/checkout")
    yield visitor.track("Checkout Started", value=price, currency="USD")
    yield visitor.identify()
    if rng.random() < 0.4:
        return
    order = f"order-{rng.randrange(10**8):08}"
    yield visitor.track("Order Completed", order_id=order, revenue=price, currency="USD", products=[product])


def hot(visitor: Visitor) -> Journey:
    """Compares prices, downloads, leaves an address and asks for a demo or a call; the first of all for a demo."""
    rng = visitor.rng
    for path in (visitor.product, "/pricing", "/customers", "/pricing"):
        yield visitor.page(path)
    yield _download(visitor)
    yield visitor.page("/contact")
    yield visitor.track("form_start", form_id="contact")
    yield visitor.identify()
    yield visitor.track("Form Submitted", form_id="contact")
    if rng.random() < 0.7:
        yield visitor.page("/webinars/renewals")
        yield visitor.track("webinar_register", webinar="renewals")
    yield visitor.page("/pricing")
    if visitor.is_first or rng.random() < 0.6:
        yield _demo_request(visitor)
    else:
        yield visitor.track("Form Submitted", form_id="call-back")
    if rng.random() < 0.4:
        yield rng.uniform(*_AWAY_S)
        visitor.arrive()
        yield visitor.page("/pricing")
        yield visitor.track("Trial Started", plan=rng.choice(("team", "business")))


def decided(visitor: Visitor) -> Journey:
    """Knows what they want, and now and then changes their mind."""
    yield visitor.page("/contact")
    yield visitor.identify()
    yield _demo_request(visitor)
    if visitor.rng.random() < 0.1:
        yield visitor.rng.uniform(*_AWAY_S)
        yield visitor.track("demo_cancel")


KINDS: tuple[Callable[[Visitor], Journey], ...] = (cold, applicant, warm, shopper, hot, decided)
KIND_WEIGHTS = (76, 5, 11, 3, 4, 1)


def _by_mail(visitor: Visitor) -> Journey:
    """Opens a mail later; who clicks in it comes back, who has had enough unsubscribes."""
    rng = visitor.rng
    yield rng.uniform(*_AWAY_S)
    yield visitor.mail("Email Opened")
    if rng.random() < 0.1:
        yield visitor.mail("Unsubscribed")
    elif rng.random() < 0.7:
        yield visitor.mail("Email Link Clicked")
        visitor.arrive(people.NEWSLETTER)
        yield visitor.page(visitor.product)
        yield visitor.page("/pricing")


def _demo_request(visitor: Visitor) -> Event:
    return visitor.track("demo_request", product=visitor.product_name)


def _download(visitor: Visitor) -> Event:
    path = visitor.rng.choice(_PAPERS)
    return visitor.track("file_download", file_name=path.rpartition("/")[2], file_extension="pdf", link_url=path)
