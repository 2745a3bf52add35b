"""The page of limits: what is bounded, by the very numbers that bound it."""

from engine.core import decode, ledger, packing, profile, rejects, rowsize
from engine.core.instants import MINUTE_MS
from engine.notify import notifykeys
from engine.notify import port as notify
from engine.readmodel import dossier, history
from engine.readmodel import port as readmodel
from engine.reference.markdown import page, table
from engine.routing import routingkeys, territories, territoryfile
from engine.stream import catalog
from engine.web import streams
from engine.web.lists import kinds, routes, shelf, views

_KIB = 1024

_EVENTS = (
    ("the value of a record", f"{decode.VALUE_BYTES_MAX // _KIB} KiB", "dead letter, reason `size`"),
    ("its nesting", f"{decode.DEPTH_MAX} levels", "dead letter, reason `json`"),
    ("an id", f"{decode.ID_CHARS_MAX} characters", "dead letter"),
    ("a URL", f"{decode.URL_CHARS_MAX:,} characters", "cut"),
    ("other texts", f"{decode.TEXT_CHARS_MAX} characters", "cut"),
    ("time ahead of its record", f"{decode.AHEAD_MS_MAX // MINUTE_MS} minutes", "dead letter, reason `time`"),
    ("time behind its record", "`lateness` in model.yaml, 96 h as shipped", "dead letter, reason `time`"),
    ("what a dead letter holds of a record", f"{rejects.VALUE_BYTES_MAX // _KIB} KiB", "cut, and says so"),
)
_ROW = (
    ("all of it", f"{packing.BYTES_MAX // _KIB} KiB", "what matters least goes first"),
    ("the model's own parts", f"{rowsize.MODEL_BYTES_MAX // _KIB} KiB", "the model is refused"),
    ("pages", str(profile.PAGES_MAX), "the oldest goes"),
    ("touches", str(profile.TOUCHES_MAX), "the first and the last stay"),
    ("products", str(profile.PRODUCTS_MAX), "the least seen goes"),
    ("browsers shown", str(profile.BROWSERS_MAX), "the last stay"),
    ("what is pending: forms, carts", str(profile.PENDING_MAX), "the oldest goes"),
    ("ids of recent events, against repeats", f"{profile.RECENT_IDS_MAX} within 24 h", "the oldest goes"),
    ("windows of a `limit`", str(ledger.WINDOWS_MAX), "the oldest is closed"),
    ("ids joined one behind the other", str(profile.DEPTH_MAX), "one more is not followed, and counted"),
)
_DESK = (
    ("reps", f"{routingkeys.REPS_MAX:,}", "a mistake of the file"),
    ("teams", f"{routingkeys.TEAMS_MAX:,}", "a mistake of the file"),
    ("rules", f"{routingkeys.RULES_MAX:,}", "a mistake of the file"),
    ("desks", f"{routingkeys.DESKS_MAX:,}", "a mistake of the file"),
    ("territories", f"{territoryfile.TERRITORIES_MAX:,}", "a mistake of the file"),
    ("territories that an assignment names", str(territories.TERRITORIES_TOLD_MAX), "the first in the file count"),
    ("lines of a file of zips", f"{territoryfile.LINES_MAX:,}", "a mistake of the file"),
)
_READ = (
    ("leads in the read model", f"{readmodel.LEADS_MAX:,}", "the coldest goes"),
    ("leads with a timeline", f"{readmodel.DOSSIERS_MAX:,}", "the longest untouched goes"),
    ("points of a lead's history", str(history.HISTORY_MAX), "thinned"),
    ("entries of a lead's timeline", str(dossier.TIMELINE_MAX), "the oldest goes"),
    ("alerts, and assignments, listed", f"{readmodel.LOG_MAX:,}", "the oldest goes"),
)
_BOARD = (
    ("leads in its lists without an open case", f"{shelf.IDLE_MAX:,}", "the coldest is found by its id only"),
    (
        "lists that are followed",
        f"{streams.VIEWERS_MAX}, {streams.VIEWERS_OF_ONE_MAX} by one token",
        "503, and later again",
    ),
    (
        "pages of leads that are followed",
        f"{streams.VIEWERS_MAX}, {streams.VIEWERS_OF_ONE_MAX} by one token",
        "503, and later again",
    ),
    ("a search text", f"{views.VALUE_CHARS_MAX} characters", "refused"),
    ("sources and territories to filter by", f"{kinds.FACET_VALUES_MAX} each", "the most frequent are offered"),
    ("rows of a CSV file", f"{routes.CSV_ROWS_MAX:,}", "the hottest stand first"),
)
_TOLD = (
    ("channels, rules", f"{notifykeys.CHANNELS_MAX}, {notifykeys.RULES_MAX}", "a mistake of the file"),
    ("waiting for one receiver", f"{notify.QUEUE_MAX:,}", "a dead letter of the notifier"),
    ("waiting in all", f"{notify.PENDING_MAX:,}", "a dead letter of the notifier"),
    ("dead letters of the notifier", f"{notify.DEAD_MAX:,}", "the oldest goes"),
    ("records in a digest", str(notify.DIGEST_MAX), "a further digest"),
)
_CLUSTER = (("partitions of a topic", f"{catalog.PARTITIONS_MAX:,}", "a mistake of the catalog"),)


def limits_page() -> str:
    """Everything that others can make grow, how far, and what happens then."""
    parts = []
    for title, rows in (
        ("An event", _EVENTS),
        ("A lead's row", _ROW),
        ("A desk", _DESK),
        ("The read model", _READ),
        ("The board", _BOARD),
        ("Notifications", _TOLD),
        ("The cluster", _CLUSTER),
    ):
        parts += [f"## {title}", table(("what", "at most", "what is beyond"), rows)]
    return page(
        "Limits",
        "Everything that a visitor, a file or an outage can make grow has a limit. What is rejected is never gone in"
        " silence: it is a [dead letter](commands.md#heatline-dead-letters-list), a counted reason in the"
        " [metrics](metrics.md), or a mistake with file and line.",
        *parts,
    )
