"""HTTP requests: the client, the address guard, robots.txt and politeness."""
