"""The wire formats of the API: bodies as calls, and the items of answers as frames and bodies."""
