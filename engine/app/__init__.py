"""The one place that wires: a module for each role, so that none loads what another one is made of."""
