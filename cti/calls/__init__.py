"""The call core: legs, bridges, queue visits, agents and the 13-second clock. Pure: time is an argument, no I/O.

Nothing outside this folder sees channel names.
"""
