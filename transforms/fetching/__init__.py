"""Requests to the web: HTTP client, private address guard, robots.txt, host queues and retries."""
