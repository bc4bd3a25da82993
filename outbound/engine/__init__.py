"""The sending engine: leases chunks, builds each recipient's mail, hands it to the provider, records what became of it.

What a crash may cost is decided by the order of three things: the watermark (committed before a position may be
handed over), the journal (marked just before the body is written) and the outcome row (committed after the reply).
"""
