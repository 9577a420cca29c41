"""The parts of the merge: units, people, rows that items are made of, and what has gone."""
