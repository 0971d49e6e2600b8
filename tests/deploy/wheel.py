"""Is the contract in the wheel, in every form that somebody takes it in? ``python -m tests.deploy.wheel FILE``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final
from zipfile import ZipFile

ROOT: Final = Path(__file__).parents[2]


def expected() -> set[str]:
    """Return what has to be there: of each proto itself, its stubs and their types, and the contract as a whole."""
    names = {"betstack/py.typed", "betstack/contract.binpb", "betstack/service_config.json"}
    for proto in (ROOT / "protos").rglob("*.proto"):
        name = proto.relative_to(ROOT / "protos").as_posix()
        stem = name.removesuffix(".proto")
        names |= {name, f"{stem}_pb2.py", f"{stem}_pb2.pyi"}
        if "\nservice " in proto.read_text("utf-8"):
            names.add(f"{stem}_pb2_grpc.py")
    return names


def main() -> None:
    """Name what is missing, and end with 1 if anything is."""
    [wheel] = sys.argv[1:]
    with ZipFile(wheel) as archive:
        missing = sorted(expected() - set(archive.namelist()))
    if missing:
        sys.exit("wheel: without " + ", ".join(missing))


if __name__ == "__main__":
    main()
