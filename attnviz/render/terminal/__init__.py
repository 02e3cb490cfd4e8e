"""Scenes as something that rich prints: it adapts to the console's width and colours. One file a form."""
