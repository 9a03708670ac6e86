"""The wire shapes of OpenAI's files and batches, which the gateway itself answers."""
