"""What one request asks of its routing, in every spelling that clients know, compiled to one form."""
