package main

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pamv1 "betstack.example/clients/stubs/betstack/pam/v1"
)

// wallet answers the platform's PAM actions, as the gateway passes them on: verified, in order, maybe more than once.
type wallet struct {
	pamv1.UnimplementedPamServiceServer
	book *book
}

func (wallet) Ping(context.Context, *pamv1.PingRequest) (*pamv1.PingResponse, error) {
	return &pamv1.PingResponse{}, nil
}

func (w wallet) Identify(ctx context.Context, request *pamv1.IdentifyRequest) (*pamv1.IdentifyResponse, error) {
	player, err := w.book.playerOf(ctx, request.Token)
	if err != nil {
		return nil, refusal(err)
	}
	return &pamv1.IdentifyResponse{
		PlayerId: player.id, Lang: "en", Balance: player.balance, Currency: player.currency,
	}, nil
}

func (w wallet) CreateTicket(ctx context.Context, r *pamv1.CreateTicketRequest) (*pamv1.CreateTicketResponse, error) {
	return &pamv1.CreateTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.take(ticket, "open", termsOf(r))
	})
}

func (w wallet) ReserveTicket(ctx context.Context, r *pamv1.ReserveTicketRequest) (*pamv1.ReserveTicketResponse, error) {
	return &pamv1.ReserveTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.take(ticket, "reserved", termsOf(r))
	})
}

func (w wallet) UpdateTicket(ctx context.Context, r *pamv1.UpdateTicketRequest) (*pamv1.UpdateTicketResponse, error) {
	return &pamv1.UpdateTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.update(ticket, r.NetPayout)
	})
}

func (w wallet) WinTicket(ctx context.Context, r *pamv1.WinTicketRequest) (*pamv1.WinTicketResponse, error) {
	return &pamv1.WinTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.settle(ticket, unsettled, "resulted", netPayout)
	})
}

func (w wallet) LoseTicket(ctx context.Context, r *pamv1.LoseTicketRequest) (*pamv1.LoseTicketResponse, error) {
	return &pamv1.LoseTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.settle(ticket, unsettled, "resulted", nothing)
	})
}

func (w wallet) VoidTicket(ctx context.Context, r *pamv1.VoidTicketRequest) (*pamv1.VoidTicketResponse, error) {
	return &pamv1.VoidTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.settle(ticket, unsettled, "resulted", price)
	})
}

func (w wallet) RollbackTicket(ctx context.Context, r *pamv1.RollbackTicketRequest) (*pamv1.RollbackTicketResponse, error) {
	return &pamv1.RollbackTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.settle(ticket, []string{"resulted"}, "open", nothing)
	})
}

func (w wallet) RefundTicket(ctx context.Context, r *pamv1.RefundTicketRequest) (*pamv1.RefundTicketResponse, error) {
	return &pamv1.RefundTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.settle(ticket, unsettled, "refunded", price)
	})
}

func (w wallet) DiscardTicket(ctx context.Context, r *pamv1.DiscardTicketRequest) (*pamv1.DiscardTicketResponse, error) {
	return &pamv1.DiscardTicketResponse{}, w.once(ctx, r, page.discard)
}

func (w wallet) CloseTicket(ctx context.Context, r *pamv1.CloseTicketRequest) (*pamv1.CloseTicketResponse, error) {
	return &pamv1.CloseTicketResponse{}, w.once(ctx, r, func(p page, ticket ticketKey) error {
		return p.settle(ticket, []string{"resulted", "refunded"}, "closed", asBefore)
	})
}

// action is what every action on a ticket has.
type action interface {
	GetRequestId() string
	GetOperator() string
	GetTicketId() string
}

// once does what an action says; its request id is the same for all its tries, and only the first one counts.
func (w wallet) once(ctx context.Context, request action, act func(page, ticketKey) error) error {
	if request.GetRequestId() == "" {
		return status.Error(codes.InvalidArgument, "request_id: required")
	}
	ticket := ticketKey{request.GetOperator(), request.GetTicketId()}
	return refusal(w.book.once(ctx, request.GetRequestId(), func(p page) error { return act(p, ticket) }))
}

// refusal tells the gateway what to tell the platform; what is no refusal is tried again.
func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUnknown):
		return status.Error(codes.NotFound, err.Error())
	case errors.Is(err, errNotEnough), errors.Is(err, errOutOfPlace):
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}

func termsOf(r interface {
	GetPlayerId() string
	GetCurrency() string
	GetPrice() int64
	GetNetPayout() int64
}) terms {
	return terms{r.GetPlayerId(), r.GetCurrency(), r.GetPrice(), r.GetNetPayout()}
}
