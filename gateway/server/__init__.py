"""How does a call come in and go out again? The gRPC face: steps and statuses, and a thin adapter to grpc.aio."""
