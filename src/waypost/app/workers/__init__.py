"""Several processes that serve as one gateway: their supervisor, and what each has to know of the others."""
