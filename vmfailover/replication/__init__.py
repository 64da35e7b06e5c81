"""How the image of the VM is kept on the other host."""
