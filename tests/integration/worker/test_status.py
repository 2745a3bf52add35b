"""`heatline status` of workers that run."""

import json

from tests.integration.worker.deployment import Deployment, Program
from tests.integration.worker.test_operations import views


async def test_two_workers_are_shown_with_their_partitions_and_what_is_left_without(
    deployment: Deployment, started: list[Program]
) -> None:
    """All partitions have a worker, nothing waits, and both are ready; once both are killed status is 1."""
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
    for worker in workers:
        assert worker.end()[0] == 0
    gone = json.loads(deployment.run("status", "--once", "--json", status=1).stdout)
    assert gone["unowned"]["profiles"] == [0, 1, 2, 3]
    assert gone["workers"] == []
