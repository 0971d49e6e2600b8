"""What do the protos say? Annotations read once at start into frozen tables: routes, shapes, reasons."""

from gateway.contract.reasons import STATUS_OF
from gateway.contract.rights import right_of
from gateway.contract.routes import Api, CallClass, Contract, OperatorPlace, Route, load_contract
from gateway.contract.shapes import Field, Kind, Shape, Variant, shape_of

__all__ = [
    "STATUS_OF",
    "Api",
    "CallClass",
    "Contract",
    "Field",
    "Kind",
    "OperatorPlace",
    "Route",
    "Shape",
    "Variant",
    "load_contract",
    "right_of",
    "shape_of",
]
