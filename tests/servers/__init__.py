"""Real servers for tests and benchmarks: Apache Kafka and Redis, on loopback, each in a directory of its own."""
