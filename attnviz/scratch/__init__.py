"""The transformer of "Attention Is All You Need", written to be read: see README.md here for the order."""
