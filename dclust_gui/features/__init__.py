"""Backbones (timm), their weights, and feature extraction."""
