"""The road in the other direction: the platform's signed webhooks, verified, and passed on as gRPC calls."""
