"""Results as HTML: pages of their own, and what notebooks show."""
