"""The machine that seqmix runs on: files, devices, memory and processes."""
