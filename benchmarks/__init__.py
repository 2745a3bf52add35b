"""What one worker reaches on this machine, against a real Kafka: `python -m benchmarks`, see README.md."""
