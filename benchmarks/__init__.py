"""Ratios against peers and floors, each measured with its rivals in one run, in turns, on the same bytes.

`make bench` prints a table: figure, goal, verdict. Absolute times differ from machine to machine and from hour to hour
and are shown for orientation only; nothing here is asserted. The streams are synthetic (`stream`) or recorded.
"""
