// Command bettor walks the road of a client in Go: cards, a bet, its repeat, a refusal, a lost answer, tickets, events.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	cardv1 "betstack.example/clients/stubs/betstack/card/v1"
	errorv1 "betstack.example/clients/stubs/betstack/error/v1"
	eventv1 "betstack.example/clients/stubs/betstack/event/v1"
	operationv1 "betstack.example/clients/stubs/betstack/operation/v1"
	sandboxv1 "betstack.example/clients/stubs/betstack/sandbox/v1"
	ticketv1 "betstack.example/clients/stubs/betstack/ticket/v1"
)

func main() {
	target := flag.String("target", "127.0.0.1:50051", "where the gateway is")
	sandbox := flag.String("sandbox", "127.0.0.1:50060", "where the sandbox is steered")
	caFile := flag.String("ca-file", "", "who vouches for the gateway; empty: plaintext")
	tokenFile := flag.String("token-file", "", "the bearer token")
	serviceConfig := flag.String("service-config", "", "what `betstack-gateway service-config` wrote")
	flag.Parse()

	gateway, err := connect(*target, *caFile, *tokenFile, *serviceConfig)
	must(err)
	defer gateway.Close()
	platform, err := grpc.NewClient(*sandbox, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(err)
	defer platform.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	line, err := walk(ctx, gateway, sandboxv1.NewSandboxServiceClient(platform))
	must(err)
	fmt.Println(line)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func walk(ctx context.Context, gateway *grpc.ClientConn, platform sandboxv1.SandboxServiceClient) (string, error) {
	tickets := ticketv1.NewTicketServiceClient(gateway)
	bettor := bettor{tickets, operationv1.NewOperationServiceClient(gateway)}

	// The platform is down for a moment: the retry policy gets over it.
	if err := goWrong(ctx, platform, sandboxv1.FaultKind_FAULT_KIND_STATUS, "/bc/superbets"); err != nil {
		return "", err
	}
	cards, err := cardv1.NewCardServiceClient(gateway).ListSuperbetCards(ctx, &cardv1.ListSuperbetCardsRequest{})
	if err != nil {
		return "", fmt.Errorf("listing cards: %w", err)
	}
	if len(cards.Cards) == 0 {
		return "", errors.New("there are no cards")
	}
	card := cards.Cards[0]

	// A bet, and the same again: one ticket.
	request := bet("demo", card)
	first, err := bettor.place(ctx, request)
	if err != nil {
		return "", fmt.Errorf("placing a bet: %w", err)
	}
	again, err := bettor.place(ctx, request)
	if err != nil {
		return "", fmt.Errorf("repeating a bet: %w", err)
	}
	if first.replayed || !again.replayed || first.ticket.Id != again.ticket.Id {
		return "", fmt.Errorf("a repeat should be a replay of ticket %s: %v", first.ticket.Id, again)
	}

	// A refusal.
	_, err = bettor.place(ctx, bet("nobody", card))
	var refusal string
	switch reason := reasonOf(err); reason {
	case errorv1.ErrorReason_ERROR_REASON_PLAYER_NOT_FOUND:
		refusal = "an unknown player has to log in again"
	default:
		return "", fmt.Errorf("PLAYER_NOT_FOUND was expected, not %v: %v", reason, err)
	}

	// A bet whose answer gets lost on the way.
	if err := goWrong(ctx, platform, sandboxv1.FaultKind_FAULT_KIND_ANSWER_LOST, "/be/tickets"); err != nil {
		return "", err
	}
	found, err := bettor.place(ctx, bet("demo", card))
	if err != nil {
		return "", fmt.Errorf("placing a bet whose answer gets lost: %w", err)
	}
	if !found.lost || !found.replayed || found.ticket.Id == first.ticket.Id {
		return "", fmt.Errorf("a ticket of its own should have been found: %v", found)
	}

	listed, err := tickets.ListTickets(ctx, &ticketv1.ListTicketsRequest{})
	if err != nil {
		return "", fmt.Errorf("listing tickets: %w", err)
	}
	if len(listed.Tickets) != 2 {
		return "", fmt.Errorf("there should be two tickets, not %d", len(listed.Tickets))
	}

	// Events, in two goes: the second begins where the first ended.
	events := eventv1.NewEventServiceClient(gateway)
	cursor, err := follow(ctx, events, "", first.ticket.Id, (*eventv1.Event).GetTicketCreate)
	if err != nil {
		return "", err
	}
	win := &sandboxv1.AdvanceTicketRequest{Identifier: first.ticket.Id, Step: sandboxv1.TicketStep_TICKET_STEP_WIN}
	if _, err := platform.AdvanceTicket(ctx, win); err != nil {
		return "", fmt.Errorf("letting the ticket win: %w", err)
	}
	if cursor, err = follow(ctx, events, cursor, found.ticket.Id, (*eventv1.Event).GetTicketCreate); err != nil {
		return "", err
	}
	if _, err = follow(ctx, events, cursor, first.ticket.Id, (*eventv1.Event).GetTicketWin); err != nil {
		return "", err
	}

	return fmt.Sprintf("%d cards after a retry, ticket %s placed and replayed, %s, ticket %s found after its answer was lost, "+
		"%d tickets listed, ticket %[2]s followed until it was won", len(cards.Cards), first.ticket.Code, refusal,
		found.ticket.Code, len(listed.Tickets)), nil
}

func bet(token string, card *cardv1.SuperbetCard) *ticketv1.CreateTicketRequest {
	var bets []int64
	for _, bet := range card.Bets[:2] {
		bets = append(bets, bet.Id)
	}
	return &ticketv1.CreateTicketRequest{
		RequestId: uuid.NewString(), // once per intended bet, and kept until the outcome is known
		Token:     token,
		Price:     20_00,
		Currency:  "KES",
		Source:    ticketv1.TicketSource_TICKET_SOURCE_MOBILE,
		Selection: &ticketv1.CreateTicketRequest_Superbet{Superbet: &ticketv1.Superbet{Event: card.Event.Id, Bets: bets}},
	}
}

// ofTicket is what every event about a ticket has.
type ofTicket interface {
	comparable
	GetTicketId() string
}

// follow reads the next event after a cursor, checks that it is of this kind and about this ticket, and returns its cursor.
func follow[E ofTicket](
	ctx context.Context, events eventv1.EventServiceClient, cursor, ticketID string, body func(*eventv1.Event) E,
) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel() // ends the stream
	stream, err := events.Subscribe(ctx, &eventv1.SubscribeRequest{
		Cursor: cursor,
		Kinds:  []eventv1.EventKind{eventv1.EventKind_EVENT_KIND_TICKET_CREATE, eventv1.EventKind_EVENT_KIND_TICKET_WIN},
	})
	if err != nil {
		return "", fmt.Errorf("subscribing: %w", err)
	}
	response, err := stream.Recv()
	if err != nil {
		return "", fmt.Errorf("following events: %w", err)
	}
	var none E
	if event := body(response.Event); event == none || event.GetTicketId() != ticketID {
		return "", fmt.Errorf("a %T about ticket %s was expected, not %v", none, ticketID, response.Event)
	}
	return response.Cursor, nil
}

// goWrong lets the platform's next answer on a path go wrong.
func goWrong(ctx context.Context, platform sandboxv1.SandboxServiceClient, kind sandboxv1.FaultKind, path string) error {
	fault := &sandboxv1.Fault{Kind: kind, Path: path}
	if _, err := platform.AddFault(ctx, &sandboxv1.AddFaultRequest{Fault: fault}); err != nil {
		return fmt.Errorf("%s for %s: %w", strings.ToLower(kind.String()), path, err)
	}
	return nil
}
