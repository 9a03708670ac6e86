"""Pure decisions: in which order to try targets, and what a failure means. No I/O, no clock."""
