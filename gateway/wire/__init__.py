"""How is a message spelled on the wire? Pure functions; nothing here does I/O or knows grpc or httpx."""
