"""`config/notify.yaml`, with the secret files that it names: read into a `Notify`, every mistake with its remedy."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from engine.core.conditions import Condition, compile_condition
from engine.core.modelsections import read_zone
from engine.core.reader import Reader, listed, unknown
from engine.core.source import ConfigError, Node, Problem
from engine.notify import notifykeys as keys
from engine.notify.config import REP_EMAIL, Loud, Mail, Notify, Push, Rule, Slack, Way, Webhook
from engine.notify.records import FIELDS, KINDS, has
from engine.ops.values import Secret
from engine.routing.calendarfile import read_hours
from engine.routing.calendars import DAY_MINUTES, Hours, Span

Read = Callable[[str], str | None]
"""Gives the text of a secret file by its name, None where there is none; may raise ConfigError."""
KEY_PREFIX = "whsec_"
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64
MAKE_KEY = (
    """`python -c 'import base64, secrets; print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())'`"""
)


@dataclass(frozen=True, slots=True)
class NotifyFile:
    """What a file states, with the node that states it; `notify` must not be used where there are `problems`."""

    notify: Notify
    root: Node
    reader: Reader

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with it."""
        return tuple(self.reader.problems)


def read_notify(text: str, file: str, read: Read) -> NotifyFile:
    """What `text`, the content of `file`, states, however wrong. Raises ConfigError where it is no YAML."""
    reader = Reader(file)
    root = reader.parse(text)
    return NotifyFile(_Notify(reader, read).notify(root, text), root, reader)


def load_notify(text: str, file: str, read: Read) -> Notify:
    """What `text`, the content of `file`, states. Raises ConfigError with every problem."""
    found = read_notify(text, file, read)
    found.reader.finish()
    return found.notify


class _Notify:
    def __init__(self, reader: Reader, read: Read) -> None:
        self.reader = reader
        self._read = read
        self._secrets: list[str] = []

    def notify(self, root: Node, text: str) -> Notify:
        entries = self.reader.mapping(root, tuple(keys.NOTIFY))
        channels = self.channels(entries.get("channels"))
        zone = read_zone(self.reader, entries.get("time_zone")) or UTC
        loud = self.loud(entries.get("quiet_hours"), channels, zone)
        listed_rules = self.reader.items(entries.get("rules"), "rules", at_most=keys.RULES_MAX)
        rules = tuple(self.rule(node, channels) for node in listed_rules)
        version = hashlib.blake2s("\0".join((text, *self._secrets)).encode("utf-8", "replace"), digest_size=8)
        return Notify(channels, rules, loud, version.hexdigest())

    def channels(self, node: Node | None) -> dict[str, Way]:
        named = self.reader.names(node, "names to channels", keys.CHANNELS_MAX)
        read = {name: self.way(entry) for name, entry in named.items()}
        return {name: way for name, way in read.items() if way is not None}

    def way(self, node: Node) -> Way | None:
        entries = self.reader.mapping(node, tuple(keys.WAYS))
        if isinstance(node.value, dict) and len(node.value) != 1:
            self.reader.key_problem(node, f"expected exactly one of {listed(keys.WAYS)}")
        for name, entry in entries.items():
            return self.ways[name](self, entry)
        return None

    def webhook(self, node: Node) -> Webhook:
        entries = self.reader.mapping(node, tuple(keys.WEBHOOK), required=tuple(keys.WEBHOOK))
        url = self.reader.text(entries.get("url"), at_most=keys.URL_MAX)
        if url and "url" in entries:
            self.check_url(entries["url"], url)
        return Webhook(url, tuple(self.secrets(entries.get("secret_file"))))

    def slack(self, node: Node) -> Slack:
        entries = self.reader.mapping(node, tuple(keys.SLACK), required=tuple(keys.SLACK))
        named = entries.get("url_file")
        url = self.secret(named).strip()
        if named is not None and url:
            self.check_url(named, url, within=True)
        return Slack(Secret(url))

    def mail(self, node: Node) -> Mail:
        entries = self.reader.mapping(node, tuple(keys.MAIL), required=tuple(keys.MAIL))
        return Mail(tuple(self.recipient(one) for one in self.one_or_more(entries.get("to"), "addresses")))

    def push(self, node: Node) -> Push:
        entries = self.reader.mapping(node, tuple(keys.APPRISE), required=tuple(keys.APPRISE))
        named = entries.get("url_file")
        text = self.secret(named)
        urls = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if named is not None and text and not all("://" in url for url in urls):
            self.reader.problem(named, "expected one address of apprise a line in it, such as tgram://TOKEN/CHAT")
        if named is not None and text and not 0 < len(urls) <= keys.URLS_MAX:
            self.reader.problem(named, f"{len(urls)} addresses in it; expected 1 to {keys.URLS_MAX}, one a line")
        return Push(tuple(Secret(url) for url in urls))

    ways: Mapping[str, Callable[["_Notify", Node], Way]] = {
        "webhook": webhook,
        "slack": slack,
        "mail": mail,
        "apprise": push,
    }

    def one_or_more(self, node: Node | None, what: str, at_most: int = keys.RECIPIENTS_MAX) -> tuple[Node, ...]:
        if node is None or not isinstance(node.value, tuple):
            return () if node is None else (node,)
        return self.reader.items(node, what, at_least=1, at_most=at_most)

    def recipient(self, node: Node) -> str:
        text = self.reader.text(node, at_most=keys.EMAIL_MAX)
        if not text or text == REP_EMAIL:
            return text
        try:
            validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            self.reader.problem(node, f"expected an address such as sales@example.com, or '{REP_EMAIL}'")
        return text

    def check_url(self, node: Node, url: str, *, within: bool = False) -> None:
        """Notes where `url` is no address of a web server; one from a secret file is not shown."""
        if not is_web_address(url):
            where = "the file holds none: " if within else ""
            self.reader.problem(node, f"{where}expected an address such as https://crm.example.com/hooks")

    def secret(self, node: Node | None) -> str:
        """The text of a secret file; empty, with its problem noted, where there is none."""
        name = self.reader.text(node, at_most=keys.FILE_MAX)
        if node is None or not name:
            return ""
        try:
            text = self._read(name)
        except ConfigError as error:
            self.reader.problem(node, error.problems[0].message)
            return ""
        if text is None or not text.strip():
            self.reader.problem(node, "there is no such file" if text is None else "the file is empty")
            return ""
        self._secrets.append(text)
        return text

    def secrets(self, node: Node | None) -> list[bytes]:
        found: list[bytes] = []
        for one in self.one_or_more(node, "files", keys.SECRETS_MAX):
            text = self.secret(one).strip()
            key = webhook_key(text)
            if key is not None:
                found.append(key)
            elif text:
                message = (
                    f"holds no secret of Standard Webhooks, {KEY_PREFIX} and {KEY_BYTES_MIN} bytes or more as base64"
                )
                self.reader.problem(one, f"{message}; make one with {MAKE_KEY}")
        return found

    def loud(self, node: Node | None, channels: Mapping[str, Way], zone: tzinfo) -> dict[str, Loud]:
        loud: dict[str, Loud] = {}
        for name, entry in self.reader.names(node, "channels to hours", keys.CHANNELS_MAX).items():
            if name not in channels:
                self.reader.key_problem(entry, unknown(name, channels))
            left = loud_hours(read_hours(self.reader, entry))
            if not any(left):
                self.reader.problem(entry, "quiet all week: nothing would ever be sent; leave hours in which it may")
            else:
                loud[name] = Loud(zone, left)
        return loud

    def rule(self, node: Node, channels: Mapping[str, Way]) -> Rule:
        entries = self.reader.mapping(node, tuple(keys.RULE), required=("records", "to"))
        listed_records = self.reader.items(entries.get("records"), "records", at_least=1)
        records = frozenset(self.reader.one_of(one, tuple(KINDS), "") for one in listed_records) - {""}
        when = compile_condition(entries["if"], FIELDS, self.reader) if "if" in entries else None
        if when is not None:
            self.check_fields(entries["if"], when, records)
        to = [
            self.reader.reference(one, channels, "channel")
            for one in self.reader.items(entries.get("to"), "channels", 1)
        ]
        digest_ms = self.reader.duration_ms(entries.get("digest"), at_least=keys.DIGEST_MS_MIN)
        if digest_ms > keys.DIGEST_MS_MAX:
            self.reader.problem(entries["digest"], "expected a duration of at most 7d")
        return Rule(records, when, tuple(dict.fromkeys(to)), digest_ms)

    def check_fields(self, node: Node, when: Condition, records: frozenset[str]) -> None:
        """Notes fields that none of the rule's records has: a condition on them never holds."""
        for name in sorted(when.fields):
            if records and not any(has(kind, name) for kind in records):
                owners = [kind for kind in KINDS if has(kind, name)]
                self.reader.key_problem(node, f"`{name}` is in none of these records; it is in {listed(owners)}")


def is_web_address(url: str) -> bool:
    """Whether `url` is http or https, names a host, and holds neither credentials nor what no address can hold."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        named = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        return False
    return named and parts.scheme in ("http", "https") and "@" not in parts.netloc


def webhook_key(text: str) -> bytes | None:
    """The key that a secret of Standard Webhooks states; None where `text` is none."""
    try:
        key = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if text.startswith(KEY_PREFIX) and KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX else None


def loud_hours(quiet: Hours) -> Hours:
    """What is left of each day beside the quiet intervals, those of the day before that go on over midnight too."""
    return tuple(_left([*quiet[day], *_after_midnight(quiet[day - 1])]) for day in range(7))


def _after_midnight(intervals: tuple[Span, ...]) -> list[Span]:
    return [(0, end - DAY_MINUTES) for _, end in intervals if end > DAY_MINUTES]


def _left(taken: list[Span]) -> tuple[Span, ...]:
    left: list[Span] = []
    free_from = 0
    for start, end in sorted(taken):
        if start > free_from:
            left.append((free_from, start))
        free_from = max(free_from, min(end, DAY_MINUTES))
    return (*left, (free_from, DAY_MINUTES)) if free_from < DAY_MINUTES else tuple(left)
