"""How roles and commands reach Kafka and the stores, as the settings say.

Apart from `app`, since a command that only asks should not wait for all that a worker or the board is made of.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.core.erasure import Pseudonym, pseudonym
from engine.core.source import ConfigError, Problem
from engine.notify.port import Store
from engine.notify.redis import PREFIX as NOTIFY_PREFIX
from engine.notify.redis import RedisStore
from engine.ops.security import client_security
from engine.ops.settings import Settings
from engine.readmodel.port import ReadModel
from engine.readmodel.redis import PREFIX, RedisReadModel
from engine.stream import catalog
from engine.stream.catalog import Catalog
from engine.stream.settings import StreamSettings


def stream_settings(settings: Settings) -> StreamSettings:
    """How the stream layer and the tools beside it reach Kafka. Raises SettingsError for unusable certificates."""
    kafka = settings.kafka
    return StreamSettings(
        bootstrap=kafka.bootstrap,
        app_id=kafka.app_id,
        data_dir=settings.paths.data_dir,
        security=client_security(kafka),
        plain=not kafka.transactions,
        accept_loss=kafka.accept_loss,
        take_over=kafka.take_over,
        partitioner=kafka.partitioner,
        session_timeout_s=kafka.session_timeout_ms / 1000,
    )


def erasure_pseudonym(settings: Settings) -> Pseudonym | None:
    """What hashes the ids of who is erased; None without a key, where nobody can be."""
    key = settings.privacy.erasure_key
    return pseudonym(key.encode()) if key else None


def read_catalog(settings: Settings) -> Catalog:
    """The topics as `topics/catalog.yaml` lists them. Raises ConfigError."""
    file = settings.paths.catalog
    try:
        return catalog.read(file)
    except OSError as error:
        message = f"{error.strerror}: run heatline in its checkout, or name the file with paths.catalog"
        raise ConfigError([Problem(str(file), 1, 1, "", None, message)]) from None


@asynccontextmanager
async def read_model(settings: Settings) -> AsyncIterator[ReadModel]:
    """The read model in Redis; connects when it is first used, and is closed at the end."""
    prefix = settings.redis.prefix
    model = RedisReadModel(settings.redis.full_url, f"{prefix}{PREFIX}")
    try:
        yield model
    finally:
        await model.close()


@asynccontextmanager
async def notify_store(settings: Settings) -> AsyncIterator[Store]:
    """What waits to be sent, in Redis; connects when it is first used, and is closed at the end."""
    store = RedisStore(settings.redis.full_url, f"{settings.redis.prefix}{NOTIFY_PREFIX}")
    try:
        yield store
    finally:
        await store.close()
