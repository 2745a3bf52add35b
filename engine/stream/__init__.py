"""Kafka and Faust: chunks of records in, transactions of lanes out.

A lane by itself: `chunk`, `shard`, `placing`, `writer`, `lane`. How records get there: `schema`, `thread`, `transport`.
What Faust calls, and when: `table`, `positions`, `recovery`, `app`. What others start: `worker`, with `settings`, and
`cluster`, `gauges`, `logs`, `errors` beside it. Topics and their contract: `catalog`, `admin`, `contract` and the rest.
"""
