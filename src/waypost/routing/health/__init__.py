"""The board of health: what is known of each target, and the door through which attempts go."""
