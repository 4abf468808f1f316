"""The process: run spec, feeding, the step, the loop, checkpoints."""
