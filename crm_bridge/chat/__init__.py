"""Chat records: files that chat programs export and messages that platforms push, as messages of the CRM.

Reading is pure and streamed: a reader takes a binary stream and gives `Message`s one after another, never raises on
what the stream holds, and keeps no more of it than one message. All of it is hostile input: lengths, depths and counts
are bounded, entities and archives refused, control and direction characters taken out. `reading` finds the format,
`archive` stores and links, `intake` takes what a platform pushes.
"""
