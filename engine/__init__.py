"""Heatline: live lead scores, alerts and assignments from a clickstream."""

__version__ = "0.1.0"
