"""Countries of addresses, from a database as MaxMind writes them."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from typer.testing import CliRunner, Result

from engine.app.worker import run_worker
from engine.cli import app
from engine.core.context import Locate
from engine.local.ipdatabase import read_ip_database
from engine.ops.loading import SettingsError
from engine.ops.settings import PathSettings, Settings
from tests.build import segment
from tests.stories import LAWFUL

Records = Mapping[str, Any]

NETWORKS: Records = {
    "81.2.69.0/24": {"country": {"iso_code": "GB", "names": {"en": "United Kingdom"}}},
    "81.3.0.0/16": {"country": {"iso_code": "DE"}, "registered_country": {"iso_code": "US"}},
    "81.4.0.0/16": {"registered_country": {"iso_code": "FR"}},
    "81.5.0.0/16": {"continent": {"code": "EU"}},
    "81.6.0.0/16": {"country": "IT", "registered_country": {"iso_code": 39}},
    "10.0.0.0/8": {"country": {"iso_code": "US"}},
    "2001:218::/32": {"country": {"iso_code": "JP"}},
    "fd00::/16": {"country": {"iso_code": "US"}},
}


def written(file: Path, records: Records = NETWORKS, version: int = 6, kind: str = "GeoLite2-Country") -> Path:
    """A database of these networks."""
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6, database_type=kind)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(file))
    return file


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("ip") / "countries.mmdb")


@pytest.fixture(scope="module")
def locate(database: Path) -> Locate:
    found = read_ip_database(str(database))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("ip", "country"),
    [
        ("81.2.69.142", "GB"),
        ("81.3.0.1", "DE"),
        ("81.4.0.1", "FR"),
        ("81.5.0.1", None),
        ("81.6.0.1", None),
        ("81.7.0.1", None),
        ("::ffff:81.2.69.142", "GB"),
        ("2001:218::1", "JP"),
        ("2001:219::1", None),
        ("10.1.2.3", None),
        ("192.168.0.1", None),
        ("127.0.0.1", None),
        ("fd00::1", None),
        ("fe80::1%eth0", None),
        ("::1", None),
        ("", None),
        ("unknown", None),
        ("81.2.69", None),
        ("81.2.69.142:443", None),
        ("81.2.69.142, 10.0.0.1", None),
        ("81.2.69.142" + " " * 100_000, None),
    ],
)
def test_an_address_has_the_country_of_its_network_else_that_of_the_registration(
    locate: Locate, ip: str, country: str | None
) -> None:
    """A private address has none, though a database may say so; nor has what is unknown, or no address."""
    assert locate(ip) == country


@LAWFUL
@given(ip=st.text(max_size=60) | st.ip_addresses().map(str))
def test_whatever_stands_there_is_a_country_or_none(locate: Locate, ip: str) -> None:
    assert locate(ip) in {"GB", "DE", "FR", "JP", None}


def test_a_database_of_short_addresses_only_knows_no_long_ones(tmp_path: Path) -> None:
    short = written(tmp_path / "short.mmdb", {"81.2.69.0/24": NETWORKS["81.2.69.0/24"]}, version=4)
    locate = read_ip_database(str(short))
    assert locate is not None
    assert [locate("81.2.69.142"), locate("2001:218::1")] == ["GB", None]


def test_the_file_is_read_once(tmp_path: Path) -> None:
    """What becomes of it later is seen at the next start."""
    file = written(tmp_path / "countries.mmdb")
    locate = read_ip_database(str(file))
    file.unlink()
    assert locate is not None
    assert locate("81.2.69.142") == "GB"


def test_where_none_is_named_nothing_is_looked_up() -> None:
    assert read_ip_database("") is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.mmdb", "cannot be read: No such file or directory"),
        ("folder.mmdb", "cannot be read: Is a directory"),
        ("text.mmdb", "is no MaxMind database"),
        ("empty.mmdb", "is no MaxMind database"),
        ("half.mmdb", "is no MaxMind database"),
        ("networks.mmdb", "a database of GeoLite2-ASN, which tells no countries"),
    ],
)
def test_what_is_no_such_database_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.mmdb").mkdir()
    (tmp_path / "text.mmdb").write_text("81.2.69.0/24,GB")
    (tmp_path / "empty.mmdb").touch()
    whole = written(tmp_path / "whole.mmdb").read_bytes()
    (tmp_path / "half.mmdb").write_bytes(whole[len(whole) // 2 :])
    written(tmp_path / "networks.mmdb", {"81.2.69.0/24": {"autonomous_system_number": 20712}}, kind="GeoLite2-ASN")
    with pytest.raises(SettingsError) as caught:
        read_ip_database(name)
    expected = "expected a file such as GeoLite2-Country.mmdb, or nothing"
    assert str(caught.value) == f'paths.ip_database = "{name}": {told}; {expected}'


MODEL = """
engagement: {talk: {when: {event: chat, country: GB}, points: 5}}
stages: {lead: {country: GB}}
alerts: {british: {enters: lead}}
"""
TEST = """
- name: british
  events: [{type: track, event: chat, anonymousId: ada, context: {ip: 81.2.69.142}}]
  expect: {lead: ada, total: 5, stage: lead, alerts: [british]}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "british.yaml").write_text(TEST)
    (tmp_path / "model.yaml").write_text(MODEL)
    event = segment("chat", context={"ip": "81.2.69.142"})
    (tmp_path / "events.jsonl").write_text(json.dumps(event))
    return tmp_path


def heatline(*arguments: object, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(app, [str(argument) for argument in arguments])


def test_commands_take_the_database_by_setting_or_option(config: Path, database: Path) -> None:
    """`country` of an event and of its lead follow."""
    simulate = ("simulate", config / "events.jsonl", "--config", config)
    assert "lead.alerted" not in heatline(*simulate).stdout
    by_option = heatline(*simulate, "--ip-database", database)
    by_setting = heatline(*simulate, HEATLINE_PATHS_IP_DATABASE=str(database))
    assert "io.heatline.lead.alerted.v1" in by_option.stdout
    assert by_option.stdout == by_setting.stdout


def test_tests_and_replays_of_a_model_take_it_too(config: Path, database: Path) -> None:
    test, diff = ("model", "test", "--config", config), ("model", "diff", config, config / "other.yaml")
    (config / "other.yaml").write_text(MODEL.replace("points: 5", "points: 80"))
    assert [heatline(*test).exit_code, heatline(*test, "--ip-database", database).exit_code] == [1, 0]
    replays = (
        heatline(*diff, config / "events.jsonl"),
        heatline(*diff, config / "events.jsonl", "--ip-database", database),
    )
    assert ["1 lead" in one.stdout for one in replays] == [False, True], replays[1].stdout


def test_a_command_ends_with_what_is_wrong_with_the_file(config: Path) -> None:
    for command in (("simulate", config / "events.jsonl"), ("model", "test")):
        ended = heatline(*command, "--config", config, "--ip-database", "none.mmdb")
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert 'none.mmdb": cannot be read' in ended.stderr


def test_a_worker_does_not_start_without_the_file_that_it_is_to_read() -> None:
    """It says so before it looks for a broker."""
    settings = Settings(paths=PathSettings(ip_database="none.mmdb"))
    with pytest.raises(SettingsError, match=r"none\.mmdb"):
        asyncio.run(run_worker(settings, asyncio.Event()))
