"""The HTTP/1.1 client: one `asyncio.Protocol` per connection, a keep-alive pool per origin, TLS, proxies, deadlines."""
