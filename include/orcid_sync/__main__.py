"""`python -m orcid_sync`: the same as `orcid-sync`."""

from orcid_sync.cli import main

main()
