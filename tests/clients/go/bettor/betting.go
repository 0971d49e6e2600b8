package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	errorv1 "betstack.example/clients/stubs/betstack/error/v1"
	operationv1 "betstack.example/clients/stubs/betstack/operation/v1"
	ticketv1 "betstack.example/clients/stubs/betstack/ticket/v1"
)

// reasonOf says why the gateway refused a call; UNSPECIFIED where an error is not the gateway's own.
func reasonOf(err error) errorv1.ErrorReason {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Domain == "betstack-gateway" {
			return errorv1.ErrorReason(errorv1.ErrorReason_value["ERROR_REASON_"+info.Reason])
		}
	}
	return errorv1.ErrorReason_ERROR_REASON_UNSPECIFIED
}

// placed is a bet that stands.
type placed struct {
	ticket *ticketv1.Ticket
	// replayed: it had been placed before, by the same request id.
	replayed bool
	// lost: its answer had been lost on the way, and the gateway found the ticket.
	lost bool
}

// bettor places bets and finds out what became of them.
type bettor struct {
	tickets    ticketv1.TicketServiceClient
	operations operationv1.OperationServiceClient
}

// place places a bet once, however often it is called with the same request id.
func (b bettor) place(ctx context.Context, request *ticketv1.CreateTicketRequest) (placed, error) {
	bet, err := b.try(ctx, request)
	if reasonOf(err) != errorv1.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN {
		return bet, err
	}
	// The bet may stand or not, so no new request id: the gateway finds out, and then the same one has the answer.
	if err := b.awaitOutcome(ctx, request.RequestId); err != nil {
		return placed{}, err
	}
	bet, err = b.try(ctx, request)
	bet.lost = true
	return bet, err
}

func (b bettor) try(ctx context.Context, request *ticketv1.CreateTicketRequest) (placed, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var header metadata.MD
	response, err := b.tickets.CreateTicket(ctx, request, grpc.Header(&header))
	replay := header.Get("idempotent-replay")
	return placed{ticket: response.GetTicket(), replayed: len(replay) > 0 && replay[0] == "true"}, err
}

// awaitOutcome watches a money call until it is known whether it was executed, or a person has to find out.
func (b bettor) awaitOutcome(ctx context.Context, requestID string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	stream, err := b.operations.WatchOperation(ctx, &operationv1.WatchOperationRequest{RequestId: requestID})
	if err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("watching %s: %w", requestID, err)
		}
		switch response.Operation.State {
		case operationv1.OperationState_OPERATION_STATE_SUCCEEDED,
			operationv1.OperationState_OPERATION_STATE_REJECTED,
			operationv1.OperationState_OPERATION_STATE_NOT_SENT,
			operationv1.OperationState_OPERATION_STATE_REVERSED:
			return nil
		case operationv1.OperationState_OPERATION_STATE_NEEDS_HUMAN:
			return fmt.Errorf("%s waits for a person's verdict", requestID)
		}
	}
}
