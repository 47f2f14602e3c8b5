"""Models: weights on this machine, the engine that serves them, and the wire to any server.

Import from the defining modules: `model.open_model`, `installed.find`, `download.pull`, `catalogue.entries`.
"""
