"""Forms, carts and check-outs that were begun and may be abandoned: at most four wait in a row.

A purchase or an unsubscribe cancels whatever is pending, a submit its form, whatever its own time.
"""

from engine.core.events import Event, Page
from engine.core.model import Model
from engine.core.profile import PENDING_MAX, Pending, Row
from engine.core.visits import said, signal, stored_text

FORM, CART, CHECKOUT = "form_abandoned", "cart_abandoned", "checkout_abandoned"
AFTER_MS = {FORM: 30 * 60_000, CART: 60 * 60_000, CHECKOUT: 60 * 60_000}
FORM_KEYS = ("form_id", "form_name", "form")
"""The properties that name a form."""
TOUCHED_BY = frozenset(
    {"form_start", "click", "form_submit", "add_to_cart", "begin_checkout", "purchase", "unsubscribe"}
)


def observe_begun(model: Model, row: Row, event: Event, time: int) -> None:
    """Note what the event, one of TOUCHED_BY, begins, goes on with, ends or cancels."""
    name = event.name
    if name in ("purchase", "unsubscribe"):
        row.pending = []
    elif name == "form_submit":
        form = stored_text(said(event, FORM_KEYS))
        row.pending = [one for one in row.pending if one.signal != FORM or _another(one.form, form)]
    elif name in ("form_start", "click"):
        form = stored_text(said(event, FORM_KEYS))
        if name == "form_start" or form is not None:
            _begin(model, row, event, time, FORM, form)
    elif name == "begin_checkout":
        row.pending = [one for one in row.pending if one.signal != CART]
        _begin(model, row, event, time, CHECKOUT, None)
    else:
        in_checkout = any(one.signal == CHECKOUT for one in row.pending)
        _begin(model, row, event, time, CHECKOUT if in_checkout else CART, None)


def _another(begun: str | None, submitted: str | None) -> bool:
    """Whether both forms are named, and not the same."""
    return begun is not None and submitted is not None and begun != submitted


def _begin(model: Model, row: Row, event: Event, time: int, name: str, form: str | None) -> None:
    due = time + AFTER_MS[name]
    if name not in model.signals or due <= row.now:
        return
    page = event.page
    begun = Pending(name, form, time, due, stored_text(page.path), stored_text(page.title), event.product)
    same = [one for one in row.pending if one.signal == name and one.form == form]
    if same and same[0].at >= time:
        return
    others = [one for one in row.pending if one not in same]
    row.pending = [*sorted(others, key=lambda one: one.at)[1 - PENDING_MAX :], begun]


def abandoned(row: Row, time: int) -> list[Event]:
    """The signals of what has been abandoned by `time`."""
    due = sorted((one for one in row.pending if one.due <= time), key=lambda one: (one.signal, one.form or ""))
    row.pending = [one for one in row.pending if one.due > time]
    return [_signal(row, one, time) for one in due]


def _signal(row: Row, begun: Pending, time: int) -> Event:
    page = Page(path=begun.path, title=begun.title)
    told = signal(begun.signal, row.born_ms + time, None, page, {} if begun.form is None else {"form_id": begun.form})
    told.product = begun.product
    return told
