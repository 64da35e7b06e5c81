"""A processor without caches: what is stored to is known by the units of a protocol, what caches do by its mean."""
