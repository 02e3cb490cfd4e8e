"""A Hugging Face model, from its name to the trace of a text: found, loaded, read with its own tokenizer, run."""
