"""The edge: HTTP from the outside to the pipeline. Raw ASGI, uvicorn's httptools protocol hardened, no framework."""
