"""How providers are paid a visit: keys, signatures and tokens. Nothing here touches the network."""
