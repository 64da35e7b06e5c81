"""Parts of a computer system (100): processor, caches, memory, address log, link."""
