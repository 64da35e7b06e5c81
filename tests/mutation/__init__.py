"""Mutation testing: small changes of the product, one at a time, and whether the tests that cover them notice."""
