"""Inspection: what a part of a model does, measured."""
