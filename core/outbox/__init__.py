"""Effects promised inside a transaction and carried out by the relay after it.

`core.outbox.writing` is for those who promise, `core.outbox.draining` for those who carry out.
"""
