"""What goes wrong and how the other host takes over."""
