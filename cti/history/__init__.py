"""What was: reports, why calls were late, agreement with the PBX's own books.

Pure: `facts` and `causes` turn a stored call into countable rows, `figures` defines every number, `calendar` the
site's intervals, `report` puts them together, `queue_log` and `books` read what Asterisk wrote. Edges: `keeper` writes
down what `recorder` noted, `follower` reads files, `desk` answers the pages. SQL stays in `cti.store`.
"""
