"""The money truth: accounts, holds, the intents file, the writer and recovery."""
