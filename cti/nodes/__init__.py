"""What makes one node of several: who leads, whose link stands how, what nodes tell each other.

Composition, as `cti.app`: parts are built here and tied together; what decides something without I/O lies elsewhere.
A site of one node runs the same code with nobody to tell and nobody to contest a lease.
"""
