"""The commands of `orcid-sync`, a module for each group. What a command needs is imported when it runs."""
