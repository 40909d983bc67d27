"""A small flow collector with an API, out of FlowLens, asyncio and FastAPI."""
