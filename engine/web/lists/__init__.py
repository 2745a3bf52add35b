"""The lists of leads: cards in memory, in order, narrowed, followed live and as a file."""
