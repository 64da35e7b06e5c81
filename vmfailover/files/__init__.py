"""Files of users: read without waiting, written whole, and text that strangers wrote."""
