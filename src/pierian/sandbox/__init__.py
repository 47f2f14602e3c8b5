"""Safe programs: what a model writes runs here, or not at all."""

from pierian.sandbox.program import Failed, LimitHit, ProgramLimits, ProgramResult, Sandbox, Value

__all__ = ["Failed", "LimitHit", "ProgramLimits", "ProgramResult", "Sandbox", "Value"]
