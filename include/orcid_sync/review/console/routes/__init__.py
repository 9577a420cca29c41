"""The console's routes: its pages and its JSON API."""
