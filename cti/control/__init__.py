"""What people may do to the PBX. Every wish is an action of the link's allow-list, sent once.

Nothing here changes what is shown: the PBX's own event does, and so a wish that failed never looks fulfilled.
"""
