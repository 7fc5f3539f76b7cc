"""The live queue board for supervisors, and the figures under it. Pure: no I/O, no clock.

`Board` turns events into the board's parts and says which of them changed; `metrics` defines every service-level
variant; `figures` holds the day's visits by key, so that a replayed event counts once. The server numbers and sends
what `Board.changes` returns; nothing here knows of sockets, sessions or rights.
"""

from cti.board.live import Board, QueuePlan
from cti.board.view import AgentView, BoardView, CallerView, Changes, QueueView, Totals

__all__ = ["AgentView", "Board", "BoardView", "CallerView", "Changes", "QueuePlan", "QueueView", "Totals"]
