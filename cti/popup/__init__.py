"""The screen pop: who sees which call when, the unified record, and the push channel to the browsers.

`rules`, `phones`, `state`, `heads`, `shelf`, `session`, `intents` and `day` are pure; `lanes`, `record`, `hub` and
`server` are edges, and `server` is the only door to websockets. The CRM and the store come in as protocols; no SQL and
no HTTP here.
"""
