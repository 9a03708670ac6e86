"""What the gateway tells about itself: logs and metrics. No label and no line is made from a client's text."""
