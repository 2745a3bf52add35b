"""What encrypts the way: of Kafka clients to their brokers, and of browsers to the board."""

import ssl
from typing import Any

from engine.ops.loading import SettingsError
from engine.ops.settings import BoardSettings, KafkaSettings


def client_security(kafka: KafkaSettings) -> dict[str, Any]:
    """The arguments of every aiokafka client beside its brokers; opens the certificate files.

    Raises SettingsError where one of them cannot be used.
    """
    security: dict[str, Any] = {"security_protocol": kafka.security_protocol}
    if kafka.security_protocol.startswith("SASL"):
        security |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": str(kafka.sasl_password),
        }
    if kafka.security_protocol.endswith("SSL"):
        security["ssl_context"] = _ssl_context(kafka)
    return security


def _ssl_context(kafka: KafkaSettings) -> ssl.SSLContext:
    """Verifies the broker's name against `ssl_ca_file`, else against the system's authorities."""
    used = f"kafka.ssl_ca_file = {kafka.ssl_ca_file!r}"
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_ca_file or None)
        if kafka.ssl_cert_file:
            used = f"kafka.ssl_cert_file = {kafka.ssl_cert_file!r}, kafka.ssl_key_file = {kafka.ssl_key_file!r}"
            # With None, OpenSSL would ask the terminal for the password of an encrypted key.
            context.load_cert_chain(kafka.ssl_cert_file, kafka.ssl_key_file, str(kafka.ssl_key_password))
    except OSError as error:
        raise SettingsError([f"{used}: {error.strerror or error}"]) from None
    return context


def board_security(board: BoardSettings) -> ssl.SSLContext | None:
    """The board's own TLS, from 1.2 on; None without a certificate. Raises SettingsError where it cannot be used."""
    if not board.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # As above: an encrypted key is an error, and no question on a terminal.
        context.load_cert_chain(board.tls_cert, board.tls_key, "")
    except OSError as error:
        used = f"board.tls_cert = {board.tls_cert!r}, board.tls_key = {board.tls_key!r}"
        raise SettingsError([f"{used}: {error.strerror or error}"]) from None
    return context
