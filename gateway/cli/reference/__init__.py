"""What does the contract say, all of it, and what do its calls look like? One HTML page and one Markdown page.

``facts`` reads the contract, ``runs`` makes every call against a sandbox, ``page`` and ``markdown`` write both down. The
same contract and the same program give the same bytes, so a reference that is out of date can be told.
"""
