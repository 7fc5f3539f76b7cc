"""What watches the floor: alerts and who hears of them, walls, teams, what-if, the board's journal.

Edges that the composition (`cti.watching`) supplies with board, hub and store; what is decided is decided in
`cti.board` and `cti.history`. Nothing here knows of HTTP requests, and only `hooks` sends anything to the outside.
"""
