"""All that touches the disk: files that a crash cannot halve, folders of tensors and JSON, strict YAML."""
