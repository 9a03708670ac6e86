"""The gateway's own values: what was asked, what came back, what it cost. Frozen; no I/O, no clock."""
