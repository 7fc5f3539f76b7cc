"""Thirteen (十三秒): the service between Asterisk, the CRM database and the people's screens.

Pure rooms (no I/O, no clock): `events`, `wire`, `ami.messages`, `ami.roster`, `ami.tape`, `calls`, `board`,
`popup.rules`, `popup.session`. Everything else is an edge around them; `app` alone builds the whole.
"""

__version__ = "0.1.0"
