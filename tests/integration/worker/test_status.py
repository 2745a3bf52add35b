"""`heatline status` of workers that run."""

import json

from tests.integration.worker.deployment import Deployment, Program, eventually
from tests.integration.worker.test_operations import views
from tests.servers.process import free_port


async def test_two_workers_are_shown_with_their_partitions_and_what_is_left_without(
    deployment: Deployment, started: list[Program]
) -> None:
    """All partitions have a worker, nothing waits, both are ready; once both are gone the broker tells what waits."""
    workers = [deployment.worker(name).start(wait=False) for name in ("one", "two")]
    started += workers
    for worker in workers:
        worker.wait_ready()
    await deployment.produce(views(range(200)))
    flags = [flag for worker in workers for flag in ("--at", f"127.0.0.1:{worker.port}")]
    for _ in range(20):
        found = json.loads(deployment.run("status", "--once", "--json", *flags, status=None).stdout)
        if all(one["state"] == "ready" and one["lag_records"] == 0 for one in found["workers"]):
            break
    assert found["unowned"] == {"profiles": [], "desk": []}
    shares = [one["partitions"].get("profiles", []) for one in found["workers"]]
    assert sorted(number for share in shares for number in share) == [0, 1, 2, 3]
    assert found["state"] == "Stable"
    assert len({one["model"] for one in found["workers"]}) == 1
    text = deployment.run("status", "--once", *flags).stdout.decode()
    assert "2 of 2 workers ready" in text
    half = deployment.run("status", "--once", *flags[:2]).stdout.decode()
    assert "1 of 2 workers ready" in half
    assert "the group has 2 members, 1 of them found" in half
    eventually(lambda: told_to_the_broker(deployment) == 0, "the broker is told that all is read")
    for worker in workers:
        assert worker.end()[0] == 0
    await deployment.produce(views(range(200, 271)))
    gone = json.loads(deployment.run("status", "--once", "--json", status=1).stdout)
    assert gone["unowned"]["profiles"] == [0, 1, 2, 3]
    assert gone["workers"] == []
    assert (gone["lag_by_topic"]["visitor-events"], gone["lag_by_broker"]) == (71, True)
    text = deployment.run("status", "--once", *flags, status=1).stdout.decode()
    assert "0 of 2 workers ready" in text
    assert "lag in records: visitor-events 71," in text


def told_to_the_broker(deployment: Deployment) -> int | None:
    """The lag of visitor-events by what workers told the broker: nobody is asked where none listens."""
    deaf = ("--at", f"127.0.0.1:{free_port()}")
    found = json.loads(deployment.run("status", "--once", "--json", *deaf, status=1).stdout)
    lag: int | None = found["lag_by_topic"]["visitor-events"]
    return lag
