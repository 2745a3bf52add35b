"""How this process runs: every setting with its default, and where each value came from.

A setting is a key of `config/heatline.toml`, an environment variable and a flag: `[kafka] bootstrap`,
`HEATLINE_KAFKA_BOOTSTRAP`, `kafka.bootstrap`; the later of these wins. A secret can also be named by its file:
`sasl_password_file`. Paths are relative to the working directory.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, NewType
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Meta, Struct

from engine.core.instants import to_duration
from engine.ops.values import Secret, Url

Duration = NewType("Duration", int)
"""Milliseconds; written as `3s` or `1h30m`."""

Network = IPv4Network | IPv6Network
Port = Annotated[int, Meta(ge=0, le=65_535, description="a port from 0 (any free one) to 65535")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="1 to 100 of A-Z a-z 0-9 . _ -")]
ERASURE_KEY_CHARS_MIN = 32
MAKE_ERASURE_KEY = "`python -c 'import secrets; print(secrets.token_hex(32))'`"
_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
_PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_BROKER = rf"\s*{_HOST}(?::{_PORT})?\s*"
Brokers = Annotated[str, Meta(pattern=rf"^{_BROKER}(?:,{_BROKER})*$", description="HOST:PORT, separated by commas")]
WebAddress = Annotated[
    str, Meta(pattern=r"^(?:https?://[^\s<>|\"'?#]+)?$", description="http:// or https:// and a host")
]
Needed = Annotated[str, Meta(min_length=1, description="a text that is not empty")]


class KafkaSettings(Struct, frozen=True, kw_only=True):
    """The cluster, and what is promised about it.

    `app_id` is the consumer group and the beginning of every transactional id. Without `transactions` a crash may
    double what was in flight. `accept_loss`: go on although records were lost. `take_over`: go on with what was
    written under another app id, once none of its workers runs. `partitioner`: as the producers of `visitor-events`
    hash their keys.
    """

    bootstrap: Brokers = "127.0.0.1:9092"
    app_id: Name = "heatline"
    transactions: bool = True
    accept_loss: bool = False
    take_over: bool = False
    partitioner: Literal["murmur2", "crc32"] = "murmur2"
    session_timeout_ms: Duration = msgspec.field(default=Duration(3_000), name="session_timeout")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: Secret = Secret("")
    ssl_ca_file: str = ""
    ssl_cert_file: str = ""
    ssl_key_file: str = ""
    ssl_key_password: Secret = Secret("")


class RedisSettings(Struct, frozen=True, kw_only=True):
    """Where the read model is; TLS with `rediss://`. `prefix` goes before every key: several can share a server."""

    url: Url = Url("redis://127.0.0.1:6379/0")
    prefix: str = ""
    username: str = ""
    password: Secret = Secret("")
    ssl_ca_file: str = ""

    @property
    def full_url(self) -> str:
        """The URL with user, password and certificate authority put in, as redis-py takes it: a secret."""
        parts = urlsplit(self.url)
        if self.username or self.password:
            place = parts.netloc.rpartition("@")[2]
            parts = parts._replace(netloc=f"{quote(self.username, '')}:{quote(self.password, '')}@{place}")
        if self.ssl_ca_file:
            added = urlencode({"ssl_ca_certs": self.ssl_ca_file})
            parts = parts._replace(query=f"{parts.query}&{added}" if parts.query else added)
        return urlunsplit(parts)


class WorkerSettings(Struct, frozen=True, kw_only=True):
    """Where a worker or projector serves /livez, /readyz and /metrics.

    `alert_on_change`: a changed model fires the alerts that the change itself sets off.
    """

    ops_host: Needed = "127.0.0.1"
    ops_port: Port = 9464
    alert_on_change: bool = False


class CanarySettings(Struct, frozen=True, kw_only=True):
    """Synthetic leads that a projector sends through the line, to every partition each time; 0s: none.

    One that has not come through within `lost_after` is counted as lost.
    """

    every_ms: Duration = msgspec.field(default=Duration(5_000), name="every")
    lost_after_ms: Duration = msgspec.field(default=Duration(60_000), name="lost_after")


class BoardSettings(Struct, frozen=True, kw_only=True):
    """Where the board is served, and what encrypts the way to it, without which only this machine can reach it.

    `names` are the names, separated by commas, under which browsers reach it besides loopback's. `tls_cert` and
    `tls_key` are PEM files. `proxy`: addresses or networks, separated by commas, of who ends TLS in front of the board;
    what they say in X-Forwarded-For and X-Forwarded-Proto is believed.
    """

    host: Needed = "127.0.0.1"
    port: Port = 8080
    names: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    proxy: str = ""

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks that `proxy` names. Raises ValueError."""
        return tuple(ip_network(text) for text in listed_texts(self.proxy))


class AccessSettings(Struct, frozen=True, kw_only=True):
    """Who may open the board, as `heatline token` writes it, and where it is kept who looked at whom.

    Without `audit_file` that is logged. Both files are for this user's eyes only.
    """

    file: Path = Path("config/access.yaml")
    audit_file: str = ""


class NotifySettings(Struct, frozen=True, kw_only=True):
    """Who is told of what, and the server that mails go through; without `smtp_host` there are no mails.

    `board_url`: where reps open the board, such as `https://leads.example.com`; messages then link to their lead.
    `allow_private`: hosts, separated by commas, to which messages may go although their addresses are not public.
    """

    file: Path = Path("config/notify.yaml")
    board_url: WebAddress = ""
    allow_private: str = ""
    mail_from: str = ""
    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: Secret = Secret("")
    smtp_ca_file: str = ""


class PathSettings(Struct, frozen=True, kw_only=True):
    """The other files of configuration, and where a worker may write.

    `ip_database` names a file of MaxMind's format that tells the country of an IP address; it is read at start.
    """

    model: Path = Path("config/model.yaml")
    routing: Path = Path("config/routing.yaml")
    events: Path = Path("config/events.yaml")
    catalog: Path = Path("topics/catalog.yaml")
    ip_database: str = ""
    data_dir: Path = Path("data")


class LogSettings(Struct, frozen=True, kw_only=True):
    """What is logged, and how: `auto` is text on a terminal, JSON lines elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"


class PrivacySettings(Struct, frozen=True, kw_only=True):
    """`erasure_key` makes the hash of an id that is left of who was erased; without it nobody can be erased.

    It must stay what it is: under another key older records of who was erased are those of strangers again.
    """

    erasure_key: Secret = Secret("")


class Settings(Struct, frozen=True, kw_only=True):
    """All settings; `origins` names, for each key such as `kafka.bootstrap` that was set, where."""

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    worker: WorkerSettings = WorkerSettings()
    canary: CanarySettings = CanarySettings()
    board: BoardSettings = BoardSettings()
    access: AccessSettings = AccessSettings()
    notify: NotifySettings = NotifySettings()
    privacy: PrivacySettings = PrivacySettings()
    paths: PathSettings = PathSettings()
    log: LogSettings = LogSettings()
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)


SECTIONS: Mapping[str, type[Struct]] = {
    "kafka": KafkaSettings,
    "redis": RedisSettings,
    "worker": WorkerSettings,
    "canary": CanarySettings,
    "board": BoardSettings,
    "access": AccessSettings,
    "notify": NotifySettings,
    "privacy": PrivacySettings,
    "paths": PathSettings,
    "log": LogSettings,
}


REPLACED: Mapping[str, str] = {
    "board.allow_remote": "is no more: the board asks everybody for a token now; for a host that others reach, give "
    "board.tls_cert and board.tls_key, or name who ends TLS in front of it by board.proxy",
}
"""Settings of earlier versions, and what took their place."""


class Effective(NamedTuple):
    """One setting as it is in force: its value as it would be written, secrets masked, and where it comes from."""

    key: str
    value: str
    origin: str


def describe(settings: Settings) -> Iterator[Effective]:
    """Every setting, in the order of the sections; `origin` is `default` where nobody set it."""
    for section, kind in SECTIONS.items():
        values = getattr(settings, section)
        for field in msgspec.structs.fields(kind):
            key = f"{section}.{field.encode_name}"
            value = getattr(values, field.name)
            shown = to_duration(value) if field.type is Duration else _text(value)
            yield Effective(key, shown, settings.origins.get(key, "default"))


def contradictions(settings: Settings) -> Iterator[str]:
    """What the settings, each fine by itself, cannot mean together."""
    kafka = settings.kafka
    if kafka.security_protocol.startswith("SASL") and not (kafka.sasl_username and kafka.sasl_password):
        yield (
            f"kafka.security_protocol is {kafka.security_protocol}: "
            "kafka.sasl_username and kafka.sasl_password (or sasl_password_file) are needed with it"
        )
    if kafka.sasl_username and not kafka.security_protocol.startswith("SASL"):
        yield (
            f"kafka.sasl_username is set but kafka.security_protocol is {kafka.security_protocol}: "
            "expected SASL_SSL (or SASL_PLAINTEXT)"
        )
    if bool(kafka.ssl_cert_file) != bool(kafka.ssl_key_file):
        yield "kafka.ssl_cert_file and kafka.ssl_key_file: expected both or neither"
    if not 1_000 <= kafka.session_timeout_ms <= 60_000:
        yield f'kafka.session_timeout = "{to_duration(kafka.session_timeout_ms)}": expected 1s to 1m'
    if not re.match(r"(rediss?|unix)://", settings.redis.url):
        yield f'redis.url = "{settings.redis.url.masked}": expected redis://HOST:PORT/DB, rediss:// or unix://'
    yield from _about_canaries(settings.canary)
    yield from _about_board(settings.board)
    yield from _about_mail(settings.notify)
    if 0 < len(settings.privacy.erasure_key) < ERASURE_KEY_CHARS_MIN:
        yield (
            f"privacy.erasure_key has {len(settings.privacy.erasure_key)} characters, so it can be guessed: "
            f"expected at least {ERASURE_KEY_CHARS_MIN}; make one with {MAKE_ERASURE_KEY}"
        )


def _about_canaries(canary: CanarySettings) -> Iterator[str]:
    if canary.every_ms and canary.lost_after_ms < canary.every_ms:
        lost_after, every = to_duration(canary.lost_after_ms), to_duration(canary.every_ms)
        yield f'canary.lost_after = "{lost_after}": expected no less than canary.every, which is {every}'


def _about_board(board: BoardSettings) -> Iterator[str]:
    if bool(board.tls_cert) != bool(board.tls_key):
        yield "board.tls_cert and board.tls_key: expected both or neither"
    try:
        open_networks = [network for network in board.proxies if network.prefixlen == 0]
    except ValueError as error:
        yield f"board.proxy: {error}: expected addresses or networks such as 10.0.0.2, 10.1.0.0/16, separated by commas"
        return
    if open_networks:
        yield f"board.proxy = {board.proxy[:100]!r}: everybody would be believed: expected the addresses of the proxy"


def listed_texts(text: str) -> list[str]:
    """The parts of `text` between its commas, without empty ones."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _about_mail(notify: NotifySettings) -> Iterator[str]:
    if notify.smtp_host and not re.fullmatch(r"[^\s@]+@[^\s@]+|[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>", notify.mail_from):
        shown = notify.mail_from[:100]
        yield f'notify.mail_from = "{shown}": notify.smtp_host needs a sender such as Heatline <leads@example.com>'
    if notify.smtp_username and notify.smtp_security == "none":
        yield "notify.smtp_username is set but notify.smtp_security is none: the password would be readable on its way"
    if bool(notify.smtp_username) != bool(notify.smtp_password):
        yield "notify.smtp_username and notify.smtp_password (or smtp_password_file): expected both or neither"


def _text(value: object) -> str:
    if isinstance(value, Secret | Url):
        return value.masked
    return str(value).lower() if isinstance(value, bool) else str(value)
