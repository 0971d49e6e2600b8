"""Do `call` and other people's servers get along: older reflection, reflection by the piece, none, TLS, odd errors?"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection import ReflectionServicer

from betstack.pam.v1 import pam_service_pb2
from tests.cli.conftest import Prompt

HEALTH = "grpc.health.v1.Health"
PAM = "betstack.pam.v1.PamService"
Serve = Callable[..., str]


@contextmanager
def serving(
    *services: Callable[[grpc.Server], None], credentials: grpc.ServerCredentials | None = None
) -> Iterator[str]:
    """Run a server on a free port."""
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        for add in services:
            add(server)
        address = "localhost:0"
        port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
        server.start()
        try:
            yield f"localhost:{port}"
        finally:
            server.stop(None).wait()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return what runs a server until the test ends."""
    with ExitStack() as stack:
        yield lambda *services, **options: stack.enter_context(serving(*services, **options))


def health(server: grpc.Server) -> None:
    """Serve health."""
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), server)


def older_reflection(server: grpc.Server) -> None:
    """Serve reflection under its older name only."""
    servicer: Any = ReflectionServicer((HEALTH, PAM))
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)


class OneFileAnAnswer(reflection_pb2_grpc.ServerReflectionServicer):  # type: ignore[misc]
    """Reflection that leaves it to the client to ask for imported files."""

    def ServerReflectionInfo(self, request_iterator: Iterator[Any], context: Any) -> Iterator[Message]:  # noqa: N802, ARG002
        """Answer each question with a single file."""
        for question in request_iterator:
            answer = reflection_pb2.ServerReflectionResponse()
            if question.list_services:
                answer.list_services_response.service.add(name=PAM)
            else:
                file = FileDescriptorProto()
                self._file(question).CopyToProto(file)
                answer.file_descriptor_response.file_descriptor_proto.append(file.SerializeToString())
            yield answer

    def _file(self, question: Any) -> Any:
        symbol = question.file_containing_symbol
        return (
            Default().FindFileContainingSymbol(symbol)
            if symbol
            else Default().FindFileByName(question.file_by_filename)
        )


def reflection_by_the_piece(server: grpc.Server) -> None:
    """Serve reflection that answers with one file at a time."""
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(OneFileAnAnswer(), server)


def refusing(server: grpc.Server) -> None:
    """Serve a PAM that refuses everybody, with details of several kinds and a colourful message."""

    def identify(_: object, context: grpc.ServicerContext) -> object:
        status = Status(code=grpc.StatusCode.UNAVAILABLE.value[0], message="later \x1b[31mplease")
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(1500)
        for detail in (ErrorInfo(reason="BUSY", domain="elsewhere", metadata={"queue": "7"}), retry, Help()):
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNAVAILABLE, status.message)

    handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
        identify, request_deserializer=pam_service_pb2.IdentifyRequest.FromString
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(PAM, {"Identify": handler}),))


def test_reflection_under_its_older_name_is_enough(serve: Serve, prompt: Prompt) -> None:
    """A server that has only v1alpha can be listed and called."""
    target = serve(health, older_reflection)

    assert prompt("call", "--target", target).stdout.split() == [PAM, HEALTH]
    assert "SERVING" in prompt("call", "Health/Check", "--target", target).stdout


def test_imported_files_are_asked_for(serve: Serve, prompt: Prompt) -> None:
    """A server that answers with one file at a time is asked for the others."""
    target = serve(reflection_by_the_piece)

    answer = prompt("call", "--describe", "IdentifyResponse", "--target", target)

    assert answer.exit_code == 0, answer.output
    assert "google.protobuf.Struct unmapped = 100;" in answer.stdout


def test_a_server_without_reflection_is_said_to_have_none(serve: Serve, prompt: Prompt) -> None:
    """Without reflection nothing can be listed, and that is what is said."""
    target = serve(health)

    answer = prompt("call", "--target", target)

    assert answer.exit_code == 1
    assert answer.output == f"Error: {target} has no reflection, which is needed here\n"


def test_details_of_others_are_printed(serve: Serve, prompt: Prompt) -> None:
    """Reason, domain, delay and unknown details are printed, and nothing of it steers the terminal."""
    target = serve(older_reflection, refusing)

    answer = prompt("call", "PamService/Identify", "--target", target)

    assert answer.exit_code == 1
    assert answer.stderr.splitlines() == [
        "UNAVAILABLE: later \N{REPLACEMENT CHARACTER}[31mplease",
        "  reason       BUSY",
        "  domain       elsewhere",
        "  queue        7",
        "  retry after  1.5 s",
        "  also         type.googleapis.com/google.rpc.Help",
    ]


def test_metadata_is_sent(serve: Serve, prompt: Prompt) -> None:
    """What `-H` says arrives, binary values decoded."""
    arrived: list[dict[str, str | bytes]] = []

    def listening(server: grpc.Server) -> None:
        def check(_: object, context: grpc.ServicerContext) -> Any:
            arrived.append(dict(context.invocation_metadata()))
            return health_pb2.HealthCheckResponse()

        handler = grpc.unary_unary_rpc_method_handler(
            check,
            request_deserializer=health_pb2.HealthCheckRequest.FromString,
            response_serializer=health_pb2.HealthCheckResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(HEALTH, {"Check": handler}),))

    target = serve(older_reflection, listening)
    prompt("call", "Health/Check", "--target", target, "-H", "authorization: Bearer x: y", "-H", "data-bin: AAE")

    assert arrived[0]["authorization"] == "Bearer x: y"
    assert arrived[0]["data-bin"] == b"\x00\x01"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for localhost, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")
    subprocess.run(
        ["openssl", "req", "-x509", *kind, *subject, "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key


def test_tls_with_a_certificate_of_the_client(serve: Serve, prompt: Prompt, certificate: tuple[Path, Path]) -> None:
    """A server that asks for a certificate is called with one, trusting the one that it shows."""
    cert, key = certificate
    credentials = grpc.ssl_server_credentials(
        [(key.read_bytes(), cert.read_bytes())], cert.read_bytes(), require_client_auth=True
    )
    target = serve(health, older_reflection, credentials=credentials)

    answer = prompt("call", "Health/Check", "--target", target, "--cacert", cert, "--cert", cert, "--key", key)

    assert answer.exit_code == 0, answer.output
    assert "SERVING" in answer.stdout


def test_certificate_and_key_belong_together(prompt: Prompt, certificate: tuple[Path, Path]) -> None:
    """One without the other is refused."""
    answer = prompt("call", "--cert", certificate[0])

    assert answer.exit_code == 2
    assert "--cert and --key belong together" in answer.output
