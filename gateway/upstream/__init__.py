"""How does a call reach the platform? Signed requests over a transport that tells how far they got."""
