"""The envelope of every output record."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.core.cloudevents import derived_id, output
from tests.build import T0
from tests.stories import LAWFUL

texts = st.text(alphabet="ab/", max_size=4)


class Data(msgspec.Struct):
    """Any data."""

    rep: str | None


def test_an_output_record_is_a_structured_cloud_event_keyed_by_its_subject() -> None:
    record = output("topic", "lead.alerted", "ada", T0, Data(None), "cause", partition=3, headers=(("h", b"1"),))
    assert (record.topic, record.key, record.partition) == ("topic", b"ada", 3)
    assert record.headers == (("content-type", b"application/cloudevents+json; charset=UTF-8"), ("h", b"1"))
    assert json.loads(record.value or b"") == {
        "specversion": "1.0",
        "id": derived_id("io.heatline.lead.alerted.v1", "ada", "cause"),
        "source": "heatline",
        "type": "io.heatline.lead.alerted.v1",
        "subject": "ada",
        "time": "2026-11-23T00:00:00.000Z",
        "partitionkey": "ada",
        "datacontenttype": "application/json",
        "data": {"rep": None},
    }


@LAWFUL
@given(st.lists(texts, min_size=1, max_size=3), st.lists(texts, min_size=1, max_size=3))
def test_ids_are_the_same_for_the_same_parts_and_for_no_others(one: list[str], other: list[str]) -> None:
    assert (derived_id(*one) == derived_id(*other)) == (one == other)


def test_ids_never_change() -> None:
    """Consumers of earlier versions' records must find the same ids in a replay."""
    assert derived_id("io.heatline.lead.alerted.v1", "ada", "hot-lead") == "64e76f2b3dbbcc223c1524f8222017e6"
