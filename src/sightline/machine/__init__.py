"""What the computer offers: files, memory, time, devices, caches."""
