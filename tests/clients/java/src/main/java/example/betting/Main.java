package example.betting;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.betstack.card.v1.Bet;
import io.betstack.card.v1.CardServiceGrpc;
import io.betstack.card.v1.ListSuperbetCardsRequest;
import io.betstack.card.v1.SuperbetCard;
import io.betstack.error.v1.ErrorReason;
import io.betstack.event.v1.Event;
import io.betstack.event.v1.EventKind;
import io.betstack.event.v1.EventServiceGrpc;
import io.betstack.event.v1.EventServiceGrpc.EventServiceBlockingStub;
import io.betstack.event.v1.SubscribeRequest;
import io.betstack.event.v1.SubscribeResponse;
import io.betstack.sandbox.v1.AddFaultRequest;
import io.betstack.sandbox.v1.AdvanceTicketRequest;
import io.betstack.sandbox.v1.Fault;
import io.betstack.sandbox.v1.FaultKind;
import io.betstack.sandbox.v1.SandboxServiceGrpc;
import io.betstack.sandbox.v1.SandboxServiceGrpc.SandboxServiceBlockingStub;
import io.betstack.sandbox.v1.TicketStep;
import io.betstack.ticket.v1.CreateTicketRequest;
import io.betstack.ticket.v1.ListTicketsRequest;
import io.betstack.ticket.v1.Superbet;
import io.betstack.ticket.v1.TicketServiceGrpc;
import io.betstack.ticket.v1.TicketSource;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/** Walks the road of a client in Java: cards, a bet, its repeat, a refusal, a lost answer, tickets, events. */
public final class Main {
  private final Channel gateway;
  private final Bettor bettor;
  private final EventServiceBlockingStub events;
  private final SandboxServiceBlockingStub platform;

  private Main(Channel gateway, Channel sandbox) {
    this.gateway = gateway;
    bettor = new Bettor(gateway);
    events = EventServiceGrpc.newBlockingStub(gateway);
    platform = SandboxServiceGrpc.newBlockingStub(sandbox);
  }

  /** Takes {@code --target}, {@code --sandbox}, {@code --ca-file}, {@code --token-file}, {@code --service-config}. */
  public static void main(String[] arguments) throws Exception {
    Map<String, String> flags = new HashMap<>();
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      flags.put(arguments[i], arguments[i + 1]);
    }
    ManagedChannel gateway =
        Connection.open(
            flags.getOrDefault("--target", "127.0.0.1:50051"),
            path(flags.get("--ca-file")),
            path(flags.get("--token-file")),
            Path.of(flags.getOrDefault("--service-config", "service_config.json")));
    ManagedChannel sandbox =
        Grpc.newChannelBuilder(
                flags.getOrDefault("--sandbox", "127.0.0.1:50060"), InsecureChannelCredentials.create())
            .build();
    try {
      System.out.println(new Main(gateway, sandbox).walk());
    } catch (StatusRuntimeException | IllegalStateException error) {
      System.err.println(error);
      System.exit(1);
    } finally {
      gateway.shutdownNow().awaitTermination(5, SECONDS);
      sandbox.shutdownNow().awaitTermination(5, SECONDS);
    }
  }

  private static Path path(String name) {
    return name == null ? null : Path.of(name);
  }

  private String walk() {
    // The platform is down for a moment: the retry policy gets over it.
    goWrong(FaultKind.FAULT_KIND_STATUS, "/bc/superbets");
    var cards =
        CardServiceGrpc.newBlockingStub(gateway)
            .withDeadlineAfter(10, SECONDS)
            .listSuperbetCards(ListSuperbetCardsRequest.getDefaultInstance())
            .getCardsList();
    require(!cards.isEmpty(), "there are no cards");

    // A bet, and the same again: one ticket.
    CreateTicketRequest request = bet("demo", cards.get(0));
    var first = bettor.place(request);
    var again = bettor.place(request);
    require(!first.replayed() && again.replayed(), "only the repeat should be a replay");
    require(again.ticket().equals(first.ticket()), "a repeat should have the same ticket");

    // A refusal.
    String refusal;
    try {
      bettor.place(bet("nobody", cards.get(0)));
      throw new IllegalStateException("a bet of an unknown player should be refused");
    } catch (StatusRuntimeException error) {
      refusal =
          switch (Bettor.reasonOf(error)) {
            case ERROR_REASON_PLAYER_NOT_FOUND -> "an unknown player has to log in again";
            default -> throw error;
          };
    }

    // A bet whose answer gets lost on the way.
    goWrong(FaultKind.FAULT_KIND_ANSWER_LOST, "/be/tickets");
    var found = bettor.place(bet("demo", cards.get(0)));
    require(found.lost() && found.replayed(), "the ticket should have been found by the gateway");
    require(!found.ticket().getId().equals(first.ticket().getId()), "another bet should have another ticket");

    int listed =
        TicketServiceGrpc.newBlockingStub(gateway)
            .withDeadlineAfter(10, SECONDS)
            .listTickets(ListTicketsRequest.getDefaultInstance())
            .getTicketsCount();
    require(listed == 2, "there should be two tickets, not " + listed);

    // Events, in two goes: the second begins where the first ended.
    String cursor = follow("", event -> event.getTicketCreate().getTicketId(), first.ticket().getId());
    platform.advanceTicket(
        AdvanceTicketRequest.newBuilder()
            .setIdentifier(first.ticket().getId())
            .setStep(TicketStep.TICKET_STEP_WIN)
            .build());
    cursor = follow(cursor, event -> event.getTicketCreate().getTicketId(), found.ticket().getId());
    follow(cursor, event -> event.getTicketWin().getTicketId(), first.ticket().getId());

    return "%d cards after a retry, ticket %s placed and replayed, %s, ticket %s found after its answer was lost, "
            .formatted(cards.size(), first.ticket().getCode(), refusal, found.ticket().getCode())
        + "%d tickets listed, ticket %s followed until it was won".formatted(listed, first.ticket().getCode());
  }

  private static CreateTicketRequest bet(String token, SuperbetCard card) {
    var bets = card.getBetsList().stream().limit(2).map(Bet::getId).toList();
    return CreateTicketRequest.newBuilder()
        .setRequestId(UUID.randomUUID().toString()) // once per intended bet, and kept until the outcome is known
        .setToken(token)
        .setPrice(20_00)
        .setCurrency("KES")
        .setSource(TicketSource.TICKET_SOURCE_MOBILE)
        .setSuperbet(Superbet.newBuilder().setEvent(card.getEvent().getId()).addAllBets(bets))
        .build();
  }

  /** Reads the next event after a cursor, checks that it is about this ticket, and returns its cursor. */
  private String follow(String cursor, Function<Event, String> ticketOf, String ticketId) {
    SubscribeRequest request =
        SubscribeRequest.newBuilder()
            .setCursor(cursor)
            .addKinds(EventKind.EVENT_KIND_TICKET_CREATE)
            .addKinds(EventKind.EVENT_KIND_TICKET_WIN)
            .build();
    try (Context.CancellableContext following = Context.current().withCancellation()) { // closing it ends the stream
      Context before = following.attach();
      try {
        SubscribeResponse response = events.withDeadlineAfter(20, SECONDS).subscribe(request).next();
        boolean isTheOne = ticketOf.apply(response.getEvent()).equals(ticketId);
        require(isTheOne, "an event about ticket %s was expected, not %s".formatted(ticketId, response.getEvent()));
        return response.getCursor();
      } finally {
        following.detach(before);
      }
    }
  }

  /** Lets the platform's next answer on a path go wrong. */
  private void goWrong(FaultKind kind, String path) {
    platform.addFault(AddFaultRequest.newBuilder().setFault(Fault.newBuilder().setKind(kind).setPath(path)).build());
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException(what);
    }
  }
}
