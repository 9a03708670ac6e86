"""One file per revision: `r<number>_<what>.py`."""
