"""Everything AMI: packets, framing, resync rosters, tapes, and the link.

Only `link` and `protocol` may import panoramisk.
"""
