"""All plays: importing their modules puts them on the list."""

from tests.asterisk import plays_members, plays_moves, plays_outages, plays_queueing, plays_transfers
from tests.asterisk.plays import DISRUPTIVE, PLAYS, Play

__all__ = [
    "DISRUPTIVE",
    "PLAYS",
    "Play",
    "plays_members",
    "plays_moves",
    "plays_outages",
    "plays_queueing",
    "plays_transfers",
]
