"""The senders of single messages: one long-lived process, any number of them, working over all tenants.

What a crash may cost is decided by the order of things, as in the engine: recipients are taken into a batch with a
journal that is there before the batch is committed; the journal is marked just before a body is written; outcomes
are committed after the reply; the journal goes after that.
"""
