"""The terminal face. One module a command; heavy imports stand inside the commands, so that help is instant."""
