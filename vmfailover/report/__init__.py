"""Pictures and summaries of results."""
