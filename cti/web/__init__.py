"""Pages and the HTTP API: the only door to aiohttp's server. Whatever is behind a route comes in through `ports`.

Every route stands in one table with the right it needs; what is not in the table does not exist, and a route without a
right is open to nobody.
"""
