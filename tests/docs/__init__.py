"""What docs/ says is run, compared and followed, as readers would."""
