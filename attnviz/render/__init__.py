"""A trace as text or bytes: one file an output."""
