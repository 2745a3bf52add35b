"""Where outputs go."""

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import Output
from engine.core.partitioner import by_murmur2
from engine.stream.chunk import Partition
from engine.stream.placing import Placer, size_of

COUNTS = {"inbox": 12, "alerts": 3}
headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=9)), max_size=3)


def test_a_key_decides_unless_the_output_does_and_a_lane_keeps_its_keyless_outputs_together() -> None:
    """In the order of the outputs."""
    placer = Placer(by_murmur2, COUNTS, 1_000)
    outputs = [
        Output("inbox", b"lead", b"1"),
        Output("inbox", b"lead", b"2", partition=5),
        Output("alerts", None, b"3"),
        Output("inbox", b"lead", b"4", headers=(("name", None),)),
    ]
    batches, oversized = placer.place(outputs, lane=7)
    assert oversized == []
    assert batches == {
        Partition("inbox", by_murmur2(b"lead", 12)): [(b"lead", b"1", ()), (b"lead", b"4", (("name", None),))],
        Partition("inbox", 5): [(b"lead", b"2", ())],
        Partition("alerts", 1): [(None, b"3", ())],
    }


def test_what_no_broker_would_take_is_sorted_out() -> None:
    """The rest is placed."""
    large, small = Output("alerts", b"key", b"x" * 1_000), Output("alerts", b"key", b"x")
    batches, oversized = Placer(by_murmur2, COUNTS, 1_000).place([large, small], lane=0)
    assert oversized == [large]
    assert [record for records in batches.values() for record in records] == [(b"key", b"x", ())]


@given(st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=400), headers)
def test_a_record_is_never_larger_than_its_size(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    """Batch and record overhead included."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, -1, -1, 0, 1_000_000)
    builder.append(0, timestamp=2**40, key=key, value=value, headers=headers)
    assert len(builder.build()) <= size_of(key, value, headers)
