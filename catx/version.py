"""The version of catx, from the installed package."""

from importlib.metadata import version

VERSION = version("catx")
