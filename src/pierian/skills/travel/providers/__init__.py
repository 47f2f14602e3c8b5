"""Where offers come from: a file, Duffel's API, tools of MCP servers. All are asked side by side (`gathering`)."""
