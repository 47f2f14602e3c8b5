"""The description of the API in OpenAPI's terms, made from the code that it describes."""
