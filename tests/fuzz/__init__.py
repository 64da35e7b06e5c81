"""A standing search for broken promises: random legal scenarios, and the laws that hold in every run.

`python -m tests.fuzz --first 0 --count 3000 --jobs 2`, from the project's root, searches; `--help` says what else.
"""
