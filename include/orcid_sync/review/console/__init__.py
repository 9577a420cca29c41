"""The librarians' console: server-rendered pages and a JSON API on the ledger.

It knows nothing of what hosts it: who is signed in, what that person may do and how an open question is answered come
in through `ports.Host`.
"""
