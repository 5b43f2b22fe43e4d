"""Pages without a kernel, made from public figures alone."""
