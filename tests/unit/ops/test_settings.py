"""Settings: file, environment and flags in this order, every mistake at once, no secret shown."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connecting import read_model
from engine.core.instants import parse_duration, to_duration
from engine.core.partitioner import PARTITIONERS
from engine.ops.loading import KNOWN, SECRET_FILES, SettingsError, load_settings
from engine.ops.security import board_security, client_security
from engine.ops.settings import REPLACED, BoardSettings, KafkaSettings, RedisSettings, Settings, describe
from engine.ops.values import Secret, Url
from engine.readmodel.redis import PREFIX, RedisReadModel

SHIPPED = Path(__file__).parents[3] / "config" / "heatline.toml"


def written(folder: Path, text: str) -> Path:
    file = folder / "heatline.toml"
    file.write_text(text)
    return file


def mistakes_of(
    file: Path | None = None, environ: dict[str, str] | None = None, flags: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ or {}, flags or {})
    return caught.value.mistakes


def test_the_later_of_file_environment_and_flag_wins(tmp_path: Path) -> None:
    """Each place beats the one before it, and `describe` names the winner."""
    file = written(tmp_path, '[kafka]\nbootstrap = "file:1"\napp_id = "from-file"\nsession_timeout = "6s"\n')
    environ = {"HEATLINE_KAFKA_BOOTSTRAP": "environment:1", "HEATLINE_KAFKA_APP_ID": "from-environment", "HOME": "/"}
    settings = load_settings(file, environ, {"kafka.bootstrap": "flag:1", "board.port": None})
    kafka = settings.kafka
    assert (kafka.bootstrap, kafka.app_id, kafka.session_timeout_ms) == ("flag:1", "from-environment", 6_000)
    shown = {line.key: (line.value, line.origin) for line in describe(settings)}
    assert shown["kafka.bootstrap"] == ("flag:1", "flag kafka.bootstrap")
    assert shown["kafka.app_id"] == ("from-environment", "HEATLINE_KAFKA_APP_ID")
    assert shown["kafka.session_timeout"] == ("6s", f"{file}: kafka.session_timeout")
    assert shown["board.port"] == ("8080", "default")


def test_without_anything_the_defaults_hold() -> None:
    """No file, no environment, no flags: the struct's own defaults."""
    assert load_settings(None, {}, {}) == Settings()


def test_every_mistake_is_named_with_place_key_value_and_what_is_right(tmp_path: Path) -> None:
    """One load finds them all, and each line lets its reader mend it."""
    file = written(
        tmp_path,
        """
        [kafka]
        bootstarp = "x:1"
        transactions = "yes"
        session_timeout = "3 s"
        [worker]
        ops_port = 70000
        [bord]
        port = 1
        """,
    )
    environ = {"HEATLINE_KAFKA_PARTITIONER": "md5", "HEATLINE_BOARD_PROT": "1"}
    assert mistakes_of(file, environ, {"kafka.app_id": "no blanks"}) == [
        f"{file}: kafka.bootstarp: `kafka.bootstarp` is not known; did you mean `kafka.bootstrap`?",
        f"{file}: section `bord` is not known; did you mean `board`?",
        "environment: `HEATLINE_BOARD_PROT` is not known; did you mean `HEATLINE_BOARD_PORT`?",
        f'{file}: kafka.transactions = "yes": expected true or false',
        f'{file}: kafka.session_timeout = "3 s": expected a duration such as 3s, 15m or 1h30m',
        f"{file}: worker.ops_port = 70000: expected a port from 0 (any free one) to 65535",
        'HEATLINE_KAFKA_PARTITIONER = "md5": expected one of murmur2, crc32',
        'flag kafka.app_id = "no blanks": expected 1 to 100 of A-Z a-z 0-9 . _ -',
    ]


def test_text_from_the_environment_becomes_the_type_that_is_needed() -> None:
    """Numbers and truth values are text there; in the file a number in quotes is a mistake."""
    environ = {"HEATLINE_BOARD_PORT": "9000", "HEATLINE_KAFKA_TRANSACTIONS": "false"}
    settings = load_settings(None, environ, {})
    assert (settings.board.port, settings.kafka.transactions) == (9000, False)


def test_a_file_that_cannot_be_read_is_one_mistake(tmp_path: Path) -> None:
    """Missing, or not TOML: the line says which file and where."""
    assert mistakes_of(tmp_path / "none.toml") == [f"{tmp_path}/none.toml: cannot be read: No such file or directory"]
    (broken,) = mistakes_of(written(tmp_path, "[kafka\n"))
    assert "not TOML" in broken
    assert "line 1" in broken


def test_a_secret_comes_from_its_file_and_is_never_shown(tmp_path: Path) -> None:
    """`X_file` reads X without its line end; neither `describe` nor `repr` nor a mistake shows a secret."""
    (tmp_path / "password").write_text("hunter2\n")
    environ = {
        "HEATLINE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "HEATLINE_KAFKA_SASL_USERNAME": "heatline",
        "HEATLINE_KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password"),
        "HEATLINE_REDIS_URL": "redis://user:hunter2@localhost:6379/0",
    }
    settings = load_settings(None, environ, {})
    assert settings.kafka.sasl_password == "hunter2"
    assert client_security(settings.kafka)["sasl_plain_password"] == "hunter2"
    shown = {line.key: line.value for line in describe(settings)}
    assert (shown["kafka.sasl_password"], shown["redis.url"]) == ("***", "redis://***@localhost:6379/0")
    assert "hunter2" not in repr(settings) + str(shown)
    assert "hunter2" not in str(mistakes_of(None, {**environ, "HEATLINE_REDIS_URL": "reddis://:hunter2@localhost"}))
    written(tmp_path, "[kafka]\nsasl_password = 2\n")
    assert "= ***:" in str(mistakes_of(tmp_path / "heatline.toml"))


def test_a_secret_given_twice_in_one_place_or_in_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    """Nobody has to guess which of two secrets is in force."""
    environ = {"HEATLINE_REDIS_PASSWORD": "a", "HEATLINE_REDIS_PASSWORD_FILE": "b"}
    assert mistakes_of(None, environ) == [
        "HEATLINE_REDIS_PASSWORD_FILE: HEATLINE_REDIS_PASSWORD is set too; expected one of them"
    ]
    (missing,) = mistakes_of(None, {"HEATLINE_REDIS_PASSWORD_FILE": f"{tmp_path}/none"})
    assert missing.endswith("cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"kafka.security_protocol": "SASL_SSL"}, "kafka.sasl_username and kafka.sasl_password"),
        ({"kafka.sasl_username": "x"}, "expected SASL_SSL"),
        ({"kafka.ssl_cert_file": "x"}, "expected both or neither"),
        ({"board.tls_cert": "x"}, "board.tls_cert and board.tls_key: expected both or neither"),
        (
            {"board.proxy": "10.0.0.1/8"},
            "board.proxy: 10.0.0.1/8 has host bits set: expected addresses or networks such",
        ),
        ({"board.proxy": "10.0.0.1, nginx"}, "expected addresses or networks such as 10.0.0.2, 10.1.0.0/16, separated"),
        ({"board.proxy": "0.0.0.0/0"}, "board.proxy = '0.0.0.0/0': everybody would be believed"),
        ({"board.proxy": "10.0.0.1, ::/0"}, "everybody would be believed: expected the addresses of the proxy"),
        ({"kafka.session_timeout": "500s"}, "expected 1s to 1m"),
        ({"canary.every": "2m"}, 'canary.lost_after = "1m": expected no less than canary.every, which is 2m'),
        ({"privacy.erasure_key": "a" * 31}, "privacy.erasure_key has 31 characters"),
        ({"redis.url": "localhost"}, "expected redis://HOST:PORT/DB"),
    ],
)
def test_settings_that_contradict_each_other_are_mistakes(flags: dict[str, str], named: str) -> None:
    """Each by itself is fine; together they cannot work."""
    (mistake,) = mistakes_of(flags=flags)
    assert named in mistake


def test_the_shipped_file_names_every_setting_with_its_default(tmp_path: Path) -> None:
    """With its comments opened the file misses no key and loads to the defaults."""
    text = re.sub(r"^# (?=[a-z_]+ = )", "", SHIPPED.read_text(), flags=re.MULTILINE)
    keys = [f"{section}.{key}" for section, values in tomllib.loads(text).items() for key in values]
    assert keys == [key + "_file" if key + "_file" in SECRET_FILES else key for key in KNOWN if key not in SECRET_FILES]
    without_secrets = re.sub(r"^[a-z_]*(password|erasure_key)_file = .*", "", text, flags=re.MULTILINE)
    settings = load_settings(written(tmp_path, without_secrets), {}, {})
    assert msgspec.structs.replace(settings, origins={}) == Settings()


def test_partitioners_are_those_that_the_core_has() -> None:
    """The setting offers what `engine.core.partitioner` implements."""
    field = next(field for field in msgspec.structs.fields(KafkaSettings) if field.name == "partitioner")
    assert set(get_args(field.type)) == set(PARTITIONERS)


@pytest.mark.parametrize("prefix", ["", "shop:"])
async def test_the_prefix_goes_before_that_of_the_layout(prefix: str) -> None:
    """Which stands there once."""
    async with read_model(load_settings(None, {}, {"redis.prefix": prefix} if prefix else {})) as model:
        assert isinstance(model, RedisReadModel)
        assert model._positions == f"{prefix}{PREFIX}positions"


def test_redis_gets_one_url_with_everything_in_it() -> None:
    """Credentials are quoted, the authority is a query; a plain URL stays as it is."""
    assert RedisSettings().full_url == "redis://127.0.0.1:6379/0"
    redis = RedisSettings(url=Url("rediss://r:1/2"), password=Secret("a/b@c"), ssl_ca_file="/ca.pem")
    assert redis.full_url == "rediss://:a%2Fb%40c@r:1/2?ssl_ca_certs=%2Fca.pem"


def test_a_certificate_that_cannot_be_used_is_a_mistake(tmp_path: Path) -> None:
    """The line names the setting and its file."""
    kafka = KafkaSettings(security_protocol="SSL", ssl_ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=r"kafka\.ssl_ca_file = .*none\.pem.*: No such file"):
        client_security(kafka)
    assert client_security(KafkaSettings()) == {"security_protocol": "PLAINTEXT"}


@given(st.integers(0, 10**10).map(lambda seconds: seconds * 1000))
def test_a_duration_is_shown_as_it_would_be_written(duration_ms: int) -> None:
    """Reading what is shown gives the same duration."""
    assert parse_duration(to_duration(duration_ms)) == duration_ms


@pytest.mark.parametrize(
    "text", ["a:b", "a:0", "a:65536", "a:99999", ",", "a,", "", " ", "kafka://a:1", "::1", "a b", "a:1:2"]
)
def test_what_is_no_address_of_brokers_is_a_mistake(text: str) -> None:
    (mistake,) = mistakes_of(flags={"kafka.bootstrap": text})
    assert mistake.endswith("expected HOST:PORT, separated by commas")


@pytest.mark.parametrize(
    "text", ["a", "a:1", "a:65535", "a-1.example:9092, b_2:9093", "127.0.0.1:9092", "[::1]:9092,c"]
)
def test_brokers_are_named_by_their_addresses(text: str) -> None:
    assert load_settings(None, {}, {"kafka.bootstrap": text}).kafka.bootstrap == text


def test_a_setting_of_earlier_versions_says_what_took_its_place(tmp_path: Path) -> None:
    """In the file, the environment and flags alike."""
    file = written(tmp_path, "[board]\nallow_remote = true\n")
    instead = REPLACED["board.allow_remote"]
    assert "board.proxy" in instead
    assert mistakes_of(file, {"HEATLINE_BOARD_ALLOW_REMOTE": "true"}, {"board.allow_remote": "true"}) == [
        f"{file}: board.allow_remote: `board.allow_remote` {instead}",
        f"environment: `HEATLINE_BOARD_ALLOW_REMOTE` {instead}",
        f"flag board.allow_remote: `board.allow_remote` {instead}",
    ]


def test_proxies_are_networks() -> None:
    """An address is a network of one."""
    proxies = BoardSettings(proxy=" 10.0.0.2, 10.1.0.0/16 ,,2001:db8::1").proxies
    assert [str(network) for network in proxies] == ["10.0.0.2/32", "10.1.0.0/16", "2001:db8::1/128"]


def test_a_certificate_of_the_board_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Missing, or no certificate; without one there is no TLS."""
    assert board_security(BoardSettings()) is None
    (tmp_path / "cert.pem").write_text("rubbish")
    for cert in ("none.pem", "cert.pem"):
        board = BoardSettings(tls_cert=str(tmp_path / cert), tls_key=str(tmp_path / cert))
        with pytest.raises(SettingsError, match=f"board.tls_cert = .*{cert}.*board.tls_key = .*{cert}"):
            board_security(board)
