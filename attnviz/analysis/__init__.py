"""Numbers out of a trace: one file a measure."""
