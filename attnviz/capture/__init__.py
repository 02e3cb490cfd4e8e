"""How attention leaves a running Hugging Face model."""
