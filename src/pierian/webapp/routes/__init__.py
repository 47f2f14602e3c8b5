"""The addresses of the web app, a module for what belongs together on the pages."""
