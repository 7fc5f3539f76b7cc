"""The demonstration: a sample freight forwarder's CRM and a replayed PBX that speaks AMI.

Nothing outside this room knows that it exists; the daemon meets it through the same doors as a real site.
"""
