"""Records a provider's real traffic into scrubbed fixtures, checks such fixtures, and answers from them."""
