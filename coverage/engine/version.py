"""The version of the engine; it changes with every change of results."""

VERSION = "1.0"
