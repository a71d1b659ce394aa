"""The house: find, encode, compare and keep faces. Imports no door."""

__version__ = "0.1.0"
