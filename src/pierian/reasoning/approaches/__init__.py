"""The approaches, one a file; `modes` and `thinking` choose among them by the kind of question."""
