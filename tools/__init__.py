"""Programs for those who work on Waypost; nothing here is shipped."""
