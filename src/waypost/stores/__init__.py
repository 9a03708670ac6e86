"""What the gateway keeps: adapters behind the ports."""
