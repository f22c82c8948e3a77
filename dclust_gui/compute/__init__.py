"""Devices, thread counts, memory budget and the torchvision workaround."""
