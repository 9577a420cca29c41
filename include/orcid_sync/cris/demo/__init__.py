"""A made-up university's CRIS, for the demo, the tests and the benchmarks."""

from orcid_sync.cris.demo.generate import READER, DemoCounts, generate, holds_demo
from orcid_sync.cris.demo.people import HOSPITAL_ID, LIBRARY_ID, UNIVERSITY_ID, UNIVERSITY_ROR
from orcid_sync.cris.demo.researchers import demo_researchers

__all__ = [
    "HOSPITAL_ID",
    "LIBRARY_ID",
    "READER",
    "UNIVERSITY_ID",
    "UNIVERSITY_ROR",
    "DemoCounts",
    "demo_researchers",
    "generate",
    "holds_demo",
]
