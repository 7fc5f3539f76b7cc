"""Recordings: where a call's sound lies, who may hear it, and what is said about it.

`files` finds and opens files and is the only part that touches the disk; `ranges` and `sheets` are pure; `desk` is what
pages ask. A name that comes from a call never leads out of the configured folder, nor through a symbolic link.
"""
