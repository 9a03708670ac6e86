"""Who serves models: rows of data, and the ways they authenticate."""
