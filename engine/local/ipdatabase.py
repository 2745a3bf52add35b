"""The country of an IP address, from a file of MaxMind's format: read into memory once, then pure computing."""

import ipaddress
from functools import lru_cache
from itertools import islice

from maxminddb import MODE_MEMORY, InvalidDatabaseError
from maxminddb.reader import Reader
from maxminddb.types import Record

from engine.core.context import Locate
from engine.core.source import shown
from engine.ops.loading import SettingsError

SETTING = "paths.ip_database"
ADDRESSES_CACHED_MAX = 65_536
RECORDS_CACHED_MAX = 16_384
LOOKED_AT_MAX = 1_000
"""How many records are looked at for a country before a database is taken for one of something else."""
_ADDRESS_CHARS_MAX = 45
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 "
        "::/127 fc00::/7 fe80::/10"
    ).split()
)


class _Reader(Reader):
    """A reader that keeps records: to decode one takes ten times as long as to find it, and few are asked for."""

    def __init__(self, file: str) -> None:
        super().__init__(file, MODE_MEMORY)
        self._kept = lru_cache(RECORDS_CACHED_MAX)(super()._resolve_data_pointer)

    def _resolve_data_pointer(self, pointer: int) -> Record:
        return self._kept(pointer)


def read_ip_database(file: str) -> Locate | None:
    """What gives the country of an address by the database in `file`; None where none is named.

    A private address has no country, nor has one that is not known or no address at all. Raises SettingsError where
    the file cannot be read, or tells no countries.
    """
    if not file:
        return None
    try:
        reader = _Reader(file)
        records = [record for _, record in islice(reader, LOOKED_AT_MAX)]
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from None
    except (InvalidDatabaseError, TypeError, ValueError):
        raise _unusable(file, "is no MaxMind database") from None
    if not any(map(_country, records)):
        raise _unusable(file, f"a database of {reader.metadata().database_type}, which tells no countries")
    cached = lru_cache(ADDRESSES_CACHED_MAX)(lambda ip: _locate(reader, ip))
    # Visitors choose the text, and what is cached is to stay small.
    return lambda ip: cached(ip) if len(ip) <= _ADDRESS_CHARS_MAX else None


def _unusable(file: str, why: str) -> SettingsError:
    expected = "expected a file such as GeoLite2-Country.mmdb, or nothing"
    return SettingsError([f"{SETTING} = {shown(file)}: {why}; {expected}"])


def _locate(reader: Reader, ip: str) -> str | None:
    try:
        address = ipaddress.ip_address(ip)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in _PRIVATE):
            return None
        return _country(reader.get(address))
    except (InvalidDatabaseError, ValueError):
        return None


def _country(record: Record | None) -> str | None:
    """The code of the country that a record tells, else that of the country which its address is registered in."""
    if not isinstance(record, dict):
        return None
    for name in ("country", "registered_country"):
        told = record.get(name)
        code = told.get("iso_code") if isinstance(told, dict) else None
        if isinstance(code, str) and code:
            return code
    return None
