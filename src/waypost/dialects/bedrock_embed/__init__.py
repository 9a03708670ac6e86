"""Bedrock's embedding models, each with its maker's body, asked by InvokeModel:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html (2026-11-25)."""
