"""`make bench`: what the product costs, measured in one run and printed; no test asserts on time."""
