"""What status tells, by what the broker and the workers say."""

import asyncio
import io
from collections.abc import Mapping, Sequence

import msgspec
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from engine.core.flow import Fold
from engine.ops.health import OpsServer
from engine.ops.metrics import MetricsObserver, WorkerMetrics
from engine.ops.scrape import Scraped, read, scrape
from engine.status import Rates, Status, lines, picture, status_of
from engine.stream.chunk import Partition
from engine.stream.groups import Group, Member

COUNTS = {"profiles": 4, "desk": 1}
ADA = Member(
    "m-1", "10.0.0.1", [Partition("visitor-events", 0), Partition("visitor-events", 1), Partition("rep-events", 0)]
)
BOB = Member("m-2", "10.0.0.2", [Partition("routing-requests", 0), Partition("visitor-events", 3)])
TOLD = Scraped(
    ready=True,
    lanes={"profiles": 2, "desk": 0},
    lag_records={("visitor-events", 0): 5, ("visitor-events", 1): 40, ("lead-inbox", 0): 2},
    lag_s=1.5,
    recovering=0,
    events=1_000.0,
    alerts=10.0,
    model="abc",
    memory_bytes=64 * 2**20,
)


BEHIND = {
    Partition(topic, number): 0
    for topic in ("visitor-events", "lead-inbox", "routing-requests", "rep-events")
    for number in range(1 if topic in ("routing-requests", "rep-events") else 4)
}
"""As the broker says it where all has been read."""


def looked(
    answers: dict[str, Scraped | None],
    rates: Rates | None = None,
    at_s: float = 1_000.0,
    members: Sequence[Member] = (ADA, BOB),
    behind: Mapping[Partition, int] = BEHIND,
) -> Status:
    group = Group("Stable", [*members], None)
    return status_of("heatline", group, answers, behind, COUNTS, rates or Rates(), at_s)


def test_each_worker_has_its_partitions_and_its_own_word() -> None:
    """Of who does not answer nothing is known, and that somebody on its host has partitions is told apart from it."""
    found = looked({"10.0.0.1:9464": TOLD, "10.0.0.2:9464": None})
    ada, bob = found.workers
    assert (ada.state, ada.partitions, ada.lag_records, ada.lag_s) == ("ready", {"profiles": [0, 1]}, 47, 1.5)
    assert (bob.state, bob.partitions, bob.lag_records) == ("silent", {}, None)
    assert [(one.host, one.partitions) for one in found.unfound] == [("10.0.0.2", {"desk": [0], "profiles": [3]})]
    assert found.lag_by_topic == {"visitor-events": 45, "lead-inbox": 2, "routing-requests": 0, "rep-events": 0}
    assert found.most_behind == "visitor-events[1]"


def test_a_dead_worker_has_nothing_of_the_one_beside_it() -> None:
    """Of two on one host one died, and the other has all: it alone does, and one of two is ready."""
    alone = Member("m-1", "10.0.0.1", [Partition("visitor-events", number) for number in range(4)])
    found = looked({"10.0.0.1:9464": None, "10.0.0.1:9465": TOLD}, members=[alone])
    assert [(one.state, one.partitions) for one in found.workers] == [("silent", {}), ("ready", {"profiles": [0, 1]})]
    assert found.unfound == []
    assert "1 of 2 workers ready" in next(lines(found))


def test_members_that_were_not_found_are_counted() -> None:
    """Two share a host, and only the port of one was asked: the other is named by its host and partitions."""
    other = BOB._replace(host=ADA.host)
    found = looked({"10.0.0.1:9464": TOLD}, members=[ADA, other])
    told = list(lines(found))
    assert "1 of 2 workers ready" in told[0]
    assert "  somewhere on 10.0.0.1 · desk 0 · profiles 3" in told
    [line] = [line for line in told if "the group has 2 members, 1 of them found" in line]
    assert "--at HOST:PORT" in line


def test_who_starts_has_the_partitions_of_the_one_member_that_is_like_it() -> None:
    """While it recovers it tells no lag: host and number of lanes say which member it is, unless two are alike."""
    starts = TOLD._replace(ready=False, lag_records={}, lanes={"profiles": 2, "desk": 0})
    [one] = looked({"10.0.0.1:9464": starts}).workers
    assert (one.state, one.partitions) == ("starting", {"profiles": [0, 1]})
    twin = Member("m-3", "10.0.0.1", [Partition("visitor-events", 2), Partition("visitor-events", 3)])
    found = looked({"10.0.0.1:9464": starts, "10.0.0.1:9465": starts}, members=[ADA, twin])
    assert [one.partitions for one in found.workers] == [{}, {}]
    assert found.unfound == []


def test_lag_is_the_brokers_word_where_no_worker_answers_and_else_unknown() -> None:
    """771 wait in one partition: that is told without any worker; what the broker does not know is no 0."""
    dead = looked({}, members=[], behind={**BEHIND, Partition("visitor-events", 2): 771})
    assert (dead.lag_by_topic["visitor-events"], dead.lag_by_broker) == (771, True)
    assert list(lines(dead))[-1] == (
        "  lag in records: visitor-events 771, lead-inbox 0, routing-requests 0, rep-events 0; most in "
        "visitor-events[2]; where no worker answers, as the broker was told last"
    )
    fresh = looked({}, members=[], behind={})
    assert set(fresh.lag_by_topic.values()) == {None}
    assert list(lines(fresh))[-1].endswith(
        "visitor-events unknown, lead-inbox unknown, routing-requests unknown, "
        "rep-events unknown; unknown: no worker answers"
    )
    assert msgspec.json.decode(msgspec.json.encode(fresh))["lag_by_topic"]["visitor-events"] is None


def test_partitions_that_nobody_has_are_named() -> None:
    """Of four partitions of profiles three are assigned: nobody has number 2, which is not well."""
    found = looked({"10.0.0.1:9464": TOLD})
    assert found.unowned == {"profiles": [2], "desk": []}
    assert not found.is_well
    assert "  nobody has profiles 2" in list(lines(found))


def test_rates_are_since_the_look_before() -> None:
    """50 events and one alert more after two seconds are 25 and a half a second; after a restart nothing is known."""
    rates = Rates()
    [first] = looked({"a:1": TOLD}, rates, 1_000.0).workers
    [second] = looked({"a:1": TOLD._replace(events=1_050.0, alerts=11.0)}, rates, 1_002.0).workers
    [third] = looked({"a:1": TOLD._replace(events=3.0, alerts=0.0)}, rates, 1_004.0).workers
    assert [(one.events_s, one.alerts_s) for one in (first, second, third)] == [(None, None), (25.0, 0.5), (None, None)]


def test_lines_say_all_and_programs_get_json() -> None:
    """One line a worker, and a summary; the object has the same."""
    rates = Rates()
    looked({"10.0.0.1:9464": TOLD}, rates, 998.0)
    found = looked({"10.0.0.1:9464": TOLD._replace(ready=False, recovering=1_200)}, rates)
    told = list(lines(found))
    assert told[0] == "1970-01-01T00:16:40Z group heatline is Stable, 0 of 2 workers ready"
    assert told[1] == (
        "  10.0.0.1:9464 · starting · profiles 0 1 · lag 47 records, 1.5 s · 1,200 records to recover · "
        "0 events/s, 0.0 alerts/s · model abc · 64 MiB"
    )
    assert told[-1] == (
        "  lag in records: visitor-events 45, lead-inbox 2, routing-requests 0, rep-events 0; most in "
        "visitor-events[1]; where no worker answers, as the broker was told last"
    )
    assert msgspec.json.decode(msgspec.json.encode(found))["workers"][0]["recovering"] == 1_200


def test_a_terminal_gets_a_table_with_the_same() -> None:
    """Silent workers are in it, too."""
    console = Console(file=io.StringIO(), width=160)
    console.print(picture(looked({"10.0.0.1:9464": TOLD, "10.0.0.2:9464": None})))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for text in ("10.0.0.1:9464", "ready", "10.0.0.2:9464", "silent", "profiles 0 1", "1.5 s", "abc", "nobody has"):
        assert text in shown


async def test_a_scrape_reads_what_a_worker_exports() -> None:
    """Names and labels are those of the metrics; where nobody answers there is none."""
    metrics = WorkerMetrics("0.1.0")
    observer = MetricsObserver(metrics)
    metrics.model("abc", 0.0)
    observer.assigned({"profiles": 2, "desk": 1})
    observer.lag("visitor-events", 3, 7, 2.5)
    observer.recovering("profiles", 3, 90)
    tally: dict[tuple[str, ...], int] = {
        ("consumed", "visitor-events"): 12,
        ("consumed", "lead-inbox"): 5,
        ("alert", "hot-lead"): 2,
    }
    observer.committed("profiles", 3, [Fold([], {}, urgent=False, tally=tally)], 0.1)
    async with OpsServer("127.0.0.1", 0, metrics.registry, lambda: "not yet") as server:
        address = f"127.0.0.1:{server.port}"
        told = await asyncio.to_thread(scrape, address)
    assert told is not None
    assert told.memory_bytes > 0
    expected = Scraped(False, {"profiles": 2, "desk": 1}, {("visitor-events", 3): 7}, 2.5, 90, 12.0, 2.0, "abc", 0)
    assert told._replace(memory_bytes=0) == expected
    assert await asyncio.to_thread(scrape, address) is None
    assert read(text_string_to_metric_families(""), ready=True).lanes == {}
