"""The proof in every run: the guest's program executed a second time, and the invariants held against it."""
