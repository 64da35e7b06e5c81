"""The cache hierarchy in two twins: readable (`reference`) and compiled (`kernel`)."""
