import type { ServiceError } from "@grpc/grpc-js";

import { call } from "./connect.js";
import { ErrorReason } from "./stubs/betstack/error/v1/error_reason.js";
import { OperationState, type OperationServiceClient } from "./stubs/betstack/operation/v1/operation_service.js";
import type { CreateTicketRequest, Ticket, TicketServiceClient } from "./stubs/betstack/ticket/v1/ticket_service.js";
import { ErrorInfo } from "./stubs/google/rpc/error_details.js";
import { Status } from "./stubs/google/rpc/status.js";

const reasons = new Set<string>(Object.values(ErrorReason));

/** Says why the gateway refused a call; UNSPECIFIED where an error is not the gateway's own. */
export function reasonOf(error: unknown): ErrorReason {
  const [packed] = (error as Partial<ServiceError>).metadata?.get("grpc-status-details-bin") ?? [];
  const details = packed instanceof Buffer ? Status.decode(packed).details : [];
  for (const detail of details.filter((each) => each.typeUrl.endsWith("/google.rpc.ErrorInfo"))) {
    const { domain, reason } = ErrorInfo.decode(detail.value);
    const name = `ERROR_REASON_${reason}`;
    if (domain === "betstack-gateway" && reasons.has(name)) {
      return name as ErrorReason;
    }
  }
  return ErrorReason.UNSPECIFIED;
}

/** A bet that stands. */
export interface Placed {
  ticket: Ticket;
  /** It had been placed before, by the same request id. */
  replayed: boolean;
  /** Its answer had been lost on the way, and the gateway found the ticket. */
  lost: boolean;
}

/** Places bets and finds out what became of them. */
export class Bettor {
  constructor(
    private readonly tickets: TicketServiceClient,
    private readonly operations: OperationServiceClient,
  ) {}

  /** Places a bet once, however often it is called with the same request id. */
  async place(request: CreateTicketRequest): Promise<Placed> {
    try {
      return await this.attempt(request);
    } catch (error) {
      if (reasonOf(error) !== ErrorReason.OUTCOME_UNKNOWN) {
        throw error;
      }
    }
    // The bet may stand or not, so no new request id: the gateway finds out, and then the same one has the answer.
    await this.outcome(request.requestId);
    return { ...(await this.attempt(request)), lost: true };
  }

  private async attempt(request: CreateTicketRequest): Promise<Placed> {
    const { response, metadata } = await call(this.tickets, this.tickets.createTicket, request);
    if (response.ticket === undefined) {
      throw new Error("an answer without a ticket");
    }
    const replayed = metadata.get("idempotent-replay")[0] === "true";
    return { ticket: response.ticket, replayed, lost: false };
  }

  /** Watches a money call until it is known whether it was executed, or a person has to find out. */
  private async outcome(requestId: string): Promise<void> {
    const stream = this.operations.watchOperation({ operator: "", requestId }, { deadline: Date.now() + 60_000 });
    for await (const { operation } of stream) {
      if (operation?.state === OperationState.NEEDS_HUMAN) {
        stream.cancel();
        throw new Error(`${requestId} waits for a person's verdict`);
      }
    } // the gateway ends the stream when the outcome is known
  }
}
