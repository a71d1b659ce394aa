"""Writes what an answer has made of the faces in its hand."""
