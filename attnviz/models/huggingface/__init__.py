"""Hugging Face models: finding, loading and running them, and reading texts with their tokenizers."""
