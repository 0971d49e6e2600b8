"""The BetStack gateway: gRPC in, signed JSON over HTTP out."""
