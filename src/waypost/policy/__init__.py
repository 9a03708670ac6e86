"""Who may ask, for what, how often and for how much: one file per concern, all pure but for their ports."""
