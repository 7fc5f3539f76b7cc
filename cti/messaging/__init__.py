"""Text messages as the service has them: the parts of `cti.sms` and the store put together, and what people may ask.

`part` builds and runs everything; `hooking` is the process of its own that takes callbacks; `conversations`, `pages`
and `rulebook` answer the API; `triggers` turns events into wishes. Decisions about texts are made in `cti.sms`.
"""
