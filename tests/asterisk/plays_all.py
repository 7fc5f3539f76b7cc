"""All plays: importing their modules puts them on the list."""

from tests.asterisk import plays_members, plays_moves, plays_outages, plays_queueing, plays_transfers
from tests.asterisk.plays import DISRUPTIVE, PLAYS, Play

RENAMED_PLAYS = (
    "answered",
    "abandoned",
    "rang_out_then_answered",
    "rung_all",
    "timed_out_into_second_queue",
    "blind_transfer",
    "attended_transfer",
    "blonde_transfer",
    "transfer_back_to_queue",
    "waiting_caller_redirected_to_queue",
    "picked_up",
    "forwarded",
    "local_answered",
    "local_blind_transfer",
    "restarted",
    "session_cut",
)
"Played once more where no name is left as it was and a Local channel stands before every queue."

__all__ = [
    "DISRUPTIVE",
    "PLAYS",
    "RENAMED_PLAYS",
    "Play",
    "plays_members",
    "plays_moves",
    "plays_outages",
    "plays_queueing",
    "plays_transfers",
]
