"""What runs at ``python -m gateway``? The same as at ``betstack-gateway``."""

from gateway.cli import main

main()
