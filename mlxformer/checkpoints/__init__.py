"""Checkpoints: folders and safetensors files, read without torch and mapped rather than copied."""
