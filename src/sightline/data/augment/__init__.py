"""Images varied at random, whole batches at a time, on the device."""
