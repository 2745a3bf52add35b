"""`heatline doctor` against a real Kafka and Redis, well and not."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from aiokafka.structs import TopicPartition

from engine import __version__
from tests.conftest import RedisFactory
from tests.integration.worker.deployment import Deployment, Program
from tests.servers.kafka import KafkaServer
from tests.servers.process import HOST, free_port
from tests.servers.redis import RedisServer

JAAS = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_rita="rita-secret";'
TOPIC, GROUP, LITERAL, ALLOW, READ, DESCRIBE = 2, 3, 3, 3, 3, 8
"""As Kafka's protocol numbers them."""


def said(deployment: Deployment, status: int) -> list[dict[str, Any]]:
    """What the doctor finds."""
    done = deployment.run("doctor", "--json", status=status)
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(findings: list[dict[str, Any]], level: str) -> dict[str, list[str]]:
    """What is said at a level, by subject."""
    subjects: dict[str, list[str]] = {}
    for one in findings:
        if one["level"] == level:
            subjects.setdefault(one["subject"], []).append(one["what"])
    return subjects


async def test_an_installation_in_order_is_well(
    deployment: Deployment, redis_server: RedisServer, started: list[Program]
) -> None:
    """Nothing is wrong; roles that run are seen, their ports are no conflicts, and a worker that ends is missed."""
    deployment.settings |= {"redis.url": redis_server.url, "privacy.erasure_key": "k" * 32}
    worker = deployment.worker().start()
    projector, board = deployment.projector().start(), deployment.board().start()
    started += [worker, projector, board]
    deployment.settings |= {"worker.ops_port": worker.port, "board.port": board.port}
    found = said(deployment, 0)
    assert told(found, "wrong") == {}
    assert told(found, "warning").keys() == {"topics"}
    well = told(found, "ok")
    assert well["topics"] == [f"all {len(deployment.counts())} are as the catalog says"]
    assert well["access"] == ["every topic may be read and written as needed"]
    assert well["workers"] == [f"1 in the group {deployment.settings['kafka.app_id']}, which is Stable"]
    assert well["transactions"]
    assert "by its protocol Kafka 4" in well["kafka"][1]
    assert "that of a worker, projector or notifier, which runs" in well["ports"][0]
    assert "that of a board, which runs" in well["ports"][1]
    assert well["projector"]
    assert well["clock"] == ["that of Redis and ours agree"]
    text = deployment.run("doctor").stdout.decode().splitlines()
    assert len([line for line in text if not line.startswith(" ")]) == len(found)
    assert worker.end()[0] == 0
    assert told(said(deployment, 1), "wrong").keys() == {"workers"}
    for role in (projector, board):
        assert role.end()[0] == 0
    for role, name in ((worker, "worker"), (projector, "projector"), (board, "board")):
        logged = [json.loads(line)["message"] for line in role.logged().splitlines() if line.startswith("{")]
        assert f"{name} {__version__} starts" in logged
        assert f"{name} ends: SIGTERM" in logged


async def test_what_is_wrong_is_named_with_what_to_do(bare: Deployment, redis_factory: RedisFactory) -> None:
    """No topics, a Redis that forgets, a mistake in the model, a data directory that is none, a port that is taken."""
    redis = redis_factory({"maxmemory-policy": "allkeys-lru"})
    (bare.folder / "file").touch()
    bare.change_model("points: 25", "points: many")
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        bare.settings |= {"redis.url": redis.url, "paths.data_dir": bare.folder / "file", "worker.ops_port": port}
        found = said(bare, 1)
    bad = told(found, "wrong")
    assert len(bad["topics"]) == len(bare.counts())
    assert "`heatline topics apply` creates it" in bad["topics"][0]
    assert "allkeys-lru" in bad["redis"][0]
    assert "model.yaml" in bad["configuration"][0]
    assert "expected" in bad["configuration"][0]
    assert str(port) in bad["ports"][0]
    assert bad["data"]
    assert told(found, "warning")["workers"]
    remedies = [one["remedy"] for one in found if one["level"] == "wrong" and one["subject"] != "topics"]
    assert all(remedies)


async def test_a_user_who_may_not_do_everything_is_told_what_is_lacking(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Rita may read all topics and write none, may not join the group, and begin no transaction: each is named."""
    kafka = KafkaServer(tmp_path / "kafka", guarded(port := free_port(), guarded_port := free_port()), port).start()
    try:
        Deployment(kafka.bootstrap, tmp_path / "heatline").run("topics", "apply")
        await allow_to_read(kafka.bootstrap)
        rita = Deployment(
            f"{HOST}:{guarded_port}",
            tmp_path / "rita",
            redis__url=redis_server.url,
            kafka__security_protocol="SASL_PLAINTEXT",
            kafka__sasl_mechanism="PLAIN",
            kafka__sasl_username="rita",
            kafka__sasl_password="rita-secret",
        )
        found = await asyncio.to_thread(said, rita, 1)
        bad = told(found, "wrong")
        assert told(found, "ok")["topics"]
        assert "this user lacks Write on topic lead-alerts" in bad["access"]
        assert "this user lacks Read on group heatline" in bad["access"]
        assert not [line for line in bad["access"] if "visitor-events" in line or "rep-events" in line]
        assert "cannot be begun" in bad["transactions"][0]
        remedies = {one["what"]: one["remedy"] for one in found}
        command = "kafka-acls.sh --add --allow-principal User:… --topic lead-alerts --operation Write"
        assert remedies["this user lacks Write on topic lead-alerts"] == command
    finally:
        kafka.kill()


def guarded(port: int, guarded_port: int) -> dict[str, str]:
    """A broker whose users at `guarded_port` need passwords and rights; whoever comes to `port` may do everything."""
    controller = f"{HOST}:{free_port()}"
    listeners = f"PLAINTEXT://{HOST}:{port},SASL_PLAINTEXT://{HOST}:{guarded_port}"
    return {
        "listeners": f"{listeners},CONTROLLER://{controller}",
        "controller.quorum.voters": f"1@{controller}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": ("PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT"),
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": JAAS,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }


async def allow_to_read(bootstrap: str) -> None:
    """Let Rita read every topic and look at the group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for kind, name, operation in ((TOPIC, "*", READ), (GROUP, "heatline", DESCRIBE)):
            request = CreateAclsRequest(kind, name, LITERAL, "User:rita", "*", operation, ALLOW)
            await admin._send_request(request)
    finally:
        await admin.close()
    # Of a group that nobody ever joined the broker does not tell who may.
    place = TopicPartition("visitor-events", 0)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id="heatline", enable_auto_commit=False) as consumer:
        consumer.assign([place])
        await consumer.commit({place: 0})
