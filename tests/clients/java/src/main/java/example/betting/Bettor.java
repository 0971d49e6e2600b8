package example.betting;

import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.betstack.error.v1.ErrorReason;
import io.betstack.operation.v1.OperationServiceGrpc;
import io.betstack.operation.v1.OperationState;
import io.betstack.operation.v1.WatchOperationRequest;
import io.betstack.operation.v1.WatchOperationResponse;
import io.betstack.ticket.v1.CreateTicketRequest;
import io.betstack.ticket.v1.Ticket;
import io.betstack.ticket.v1.TicketServiceGrpc;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicReference;

/** Places bets and finds out what became of them. */
final class Bettor {
  private static final Metadata.Key<String> REPLAY =
      Metadata.Key.of("idempotent-replay", Metadata.ASCII_STRING_MARSHALLER);

  private final TicketServiceGrpc.TicketServiceBlockingStub tickets;
  private final OperationServiceGrpc.OperationServiceBlockingStub operations;

  Bettor(Channel gateway) {
    tickets = TicketServiceGrpc.newBlockingStub(gateway);
    operations = OperationServiceGrpc.newBlockingStub(gateway);
  }

  /**
   * A bet that stands.
   *
   * @param replayed whether it had been placed before, by the same request id
   * @param lost whether its answer had been lost on the way, and the gateway found the ticket
   */
  record Placed(Ticket ticket, boolean replayed, boolean lost) {}

  /** Says why the gateway refused a call; UNSPECIFIED where an error is not the gateway's own. */
  static ErrorReason reasonOf(StatusRuntimeException error) {
    Status status = StatusProto.fromThrowable(error);
    try {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          if (info.getDomain().equals("betstack-gateway")) {
            return ErrorReason.valueOf("ERROR_REASON_" + info.getReason());
          }
        }
      }
    } catch (InvalidProtocolBufferException | IllegalArgumentException notOneOfOurs) {
      return ErrorReason.ERROR_REASON_UNSPECIFIED;
    }
    return ErrorReason.ERROR_REASON_UNSPECIFIED;
  }

  /** Places a bet once, however often it is called with the same request id. */
  Placed place(CreateTicketRequest request) {
    try {
      return attempt(request, false);
    } catch (StatusRuntimeException error) {
      if (reasonOf(error) != ErrorReason.ERROR_REASON_OUTCOME_UNKNOWN) {
        throw error;
      }
    }
    // The bet may stand or not, so no new request id: the gateway finds out, and then the same one has the answer.
    awaitOutcome(request.getRequestId());
    return attempt(request, true);
  }

  private Placed attempt(CreateTicketRequest request, boolean lost) {
    var initial = new AtomicReference<Metadata>();
    var trailing = new AtomicReference<Metadata>();
    var response =
        tickets
            .withInterceptors(MetadataUtils.newCaptureMetadataInterceptor(initial, trailing))
            .withDeadlineAfter(10, SECONDS)
            .createTicket(request);
    return new Placed(response.getTicket(), "true".equals(initial.get().get(REPLAY)), lost);
  }

  /** Watches a money call until it is known whether it was executed, or a person has to find out. */
  private void awaitOutcome(String requestId) {
    WatchOperationRequest request = WatchOperationRequest.newBuilder().setRequestId(requestId).build();
    try (Context.CancellableContext watching = Context.current().withCancellation()) {
      watching.run(() -> {
        Iterator<WatchOperationResponse> stream = operations.withDeadlineAfter(60, SECONDS).watchOperation(request);
        while (stream.hasNext()) { // the gateway ends the stream when the outcome is known
          if (stream.next().getOperation().getState() == OperationState.OPERATION_STATE_NEEDS_HUMAN) {
            throw new IllegalStateException(requestId + " waits for a person's verdict");
          }
        }
      });
    }
  }
}
