"""Scenes as rich renderables, which adapt to the width and colours of the console. One file for each form."""
