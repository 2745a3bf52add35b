"""`heatline doctor`: everything that the configuration names, looked at from where it is run."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from engine.configuration import read_configuration
from engine.connecting import notify_store, read_catalog, read_model, stream_settings
from engine.core.source import ConfigError
from engine.local.ipdatabase import read_ip_database
from engine.local.notifyfiles import load_told
from engine.notify.port import Counts, StoreAway
from engine.ops.findings import Finding, ok, warning, wrong
from engine.ops.loading import SettingsError
from engine.ops.settings import Settings
from engine.readmodel.checkup import check_redis, progress
from engine.readmodel.events import TOPICS
from engine.readmodel.port import ReadModelAway
from engine.stream.checkup import check_kafka

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata")
"""That these are there says that time zones are."""
FREE_BYTES_MIN = 100 * 2**20
BOARD_SAYS = 'Bearer realm="heatline"'
"""What a board tells those who ask it for data without a token."""
_ASK_TIMEOUT_S = 2.0
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where to ask who listens everywhere


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """What is right, what is wrong and what to do; changes nothing that lasts."""
    for finding in (*files(settings), *places(settings), time_zones()):
        yield finding
    for name, host, port in (
        ("worker.ops_port", settings.worker.ops_host, settings.worker.ops_port),
        ("board.port", settings.board.host, settings.board.port),
    ):
        yield await asyncio.to_thread(check_port, name, host, port)
    try:
        catalog, stream = read_catalog(settings), stream_settings(settings)
    except (ConfigError, SettingsError) as error:
        yield wrong("kafka", f"not looked at: {_first_line(error)}", "mend that first")
    else:
        async for finding in check_kafka(catalog, stream, TOPICS):
            yield finding
    async for finding in check_redis(settings.redis.full_url, settings.redis.prefix):
        yield finding
    # That Redis is away has been said.
    with suppress(ReadModelAway, StoreAway):
        async for finding in stores(settings):
            yield finding


def files(settings: Settings) -> Iterator[Finding]:
    """Whether model, routing, names of events, topics and IP database can be used together."""
    try:
        configuration = read_configuration(settings, read_ip_database(settings.paths.ip_database))
    except ConfigError as error:
        for problem in error.problems:
            yield wrong("configuration", str(problem), "`heatline model check` and `heatline routing check` say all")
    except (SettingsError, OSError) as error:
        yield wrong("configuration", str(error))
    else:
        model, routing = configuration.model, configuration.routing
        yield ok("configuration", f"{settings.paths.model}: {len(model.rules)} rules, version {model.version}")
        if routing.reps:
            yield ok("configuration", f"{settings.paths.routing}: {len(routing.reps)} reps, {len(routing.rules)} rules")
        else:
            told = f"{settings.paths.routing} names no reps: leads are scored, and nobody gets them"
            yield warning("configuration", told, "see config/README.md, routing.yaml")
    yield from notifications(settings)
    if not settings.privacy.erasure_key:
        yield warning("privacy", "without privacy.erasure_key nobody can be erased", "see config/heatline.toml")


def notifications(settings: Settings) -> Iterator[Finding]:
    """Whether a notifier could use its file; one that tells nobody, or is not there, is no mistake."""
    file = settings.notify.file
    if not file.exists():
        yield ok("notify", f"there is no {file}: nobody is told of anything by Heatline")
        return
    try:
        notify = load_told(file, settings.paths.routing).notify
    except ConfigError as error:
        for problem in error.problems:
            if problem.file != str(settings.paths.routing):
                yield wrong("notify", str(problem), "`heatline notify check` says all")
    except OSError as error:
        yield wrong("notify", str(error))
    else:
        yield ok("notify", f"{file}: {len(notify.channels)} channels, {len(notify.rules)} rules")


async def stores(settings: Settings) -> AsyncIterator[Finding]:
    """How far projector and notifier have come, by what they keep. Raises ReadModelAway, StoreAway."""
    async with read_model(settings) as model:
        yield progress(await model.progress(), time.time())
    if settings.notify.file.exists():
        async with notify_store(settings) as store:
            yield untold(await store.counts(), len(await store.disabled()))


def untold(counts: Counts, disabled: int) -> Finding:
    """What could not be sent, or is not sent yet; so many receivers are `disabled`."""
    if not (counts.pending or counts.dead or disabled):
        return ok("notify", "nothing waits to be sent, and there are no dead letters")
    told = f"waiting to be sent: {counts.pending:,}, dead letters: {counts.dead:,}, disabled receivers: {disabled:,}"
    return warning("notify", told, "`heatline notify list` says why; `heatline notifier` sends what waits")


def places(settings: Settings) -> Iterator[Finding]:
    """Whether a worker may write where it is told to."""
    folder = settings.paths.data_dir
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        yield wrong("data", f"{folder} cannot be made or written", "set another with paths.data_dir, or its rights")
        return
    disk = os.statvfs(there)
    free_bytes = disk.f_bavail * disk.f_frsize
    told = f"{folder} may be written, {free_bytes / 2**30:.1f} GiB are free"
    yield ok("data", told) if free_bytes >= FREE_BYTES_MIN else warning("data", told, "make room")


def time_zones() -> Finding:
    """Whether hours of reps can be read on the clocks of their places."""
    try:
        for name in ZONES:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        return wrong("time zones", f"none are known: {error}", "install the package tzdata, of the system or of Python")
    if any((Path(folder) / ZONES[-1]).exists() for folder in TZPATH):
        return ok("time zones", "those of the system")
    try:
        return ok("time zones", f"those of the package tzdata {version('tzdata')}")
    except PackageNotFoundError:
        return ok("time zones", "known")


def check_port(name: str, host: str, port: int) -> Finding:
    """Whether a port may be listened on, or a Heatline process does so already."""
    subject = "ports"
    if port == 0:
        return ok(subject, f"{name} is any free one")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        who = _who_answers(host, port)
        if who is not None:
            return ok(subject, f"{name} {host}:{port} is that of {who}, which runs")
        told = f"{name}: {host}:{port} cannot be listened on: {error.strerror or error}"
        return wrong(subject, told, f"name another with {name}, or end what has it")
    return ok(subject, f"{name} {host}:{port} is free")


def _who_answers(host: str, port: int) -> str | None:
    """The Heatline process that serves there, None where none does."""
    at = _LOOPBACK.get(host, host)
    unproven = ssl.create_default_context()
    unproven.check_hostname = False
    # Nothing secret is said to it: whether its certificate is good is for others to find.
    unproven.verify_mode = ssl.CERT_NONE
    # Of who is silent to the first question nothing else is asked.
    with suppress(TimeoutError):
        if _ask(HTTPConnection(at, port, timeout=_ASK_TIMEOUT_S), "/livez")[1].startswith(b"ok"):
            return "a worker, projector or notifier"
        for connection in (
            HTTPConnection(at, port, timeout=_ASK_TIMEOUT_S),
            HTTPSConnection(at, port, timeout=_ASK_TIMEOUT_S, context=unproven),
        ):
            if _ask(connection, "/api/status")[0] == BOARD_SAYS:
                return "a board"
    return None


def _ask(connection: HTTPConnection, path: str) -> tuple[str, bytes]:
    """How to come in, as is said to who may not, and the beginning of the answer; both empty where there is none.

    Raises TimeoutError.
    """
    with closing(connection):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.getheader("WWW-Authenticate", ""), answer.read(1_000)
        except TimeoutError:
            raise
        except (OSError, ValueError, HTTPException):
            return "", b""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
