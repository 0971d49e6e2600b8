// Walks the road of a client in Node.js: cards, a bet, its repeat, a refusal, a lost answer, tickets, events.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";

import { credentials } from "@grpc/grpc-js";

import { Bettor, reasonOf } from "./betting.js";
import { call, connection } from "./connect.js";
import { CardServiceClient, type SuperbetCard } from "./stubs/betstack/card/v1/card_service.js";
import { ErrorReason } from "./stubs/betstack/error/v1/error_reason.js";
import { EventKind, EventServiceClient } from "./stubs/betstack/event/v1/event_service.js";
import { OperationServiceClient } from "./stubs/betstack/operation/v1/operation_service.js";
import {
  AddFaultRequest,
  AdvanceTicketRequest,
  FaultKind,
  SandboxServiceClient,
  TicketStep,
} from "./stubs/betstack/sandbox/v1/sandbox_service.js";
import {
  CreateTicketRequest,
  ListTicketsRequest,
  TicketServiceClient,
  TicketSource,
} from "./stubs/betstack/ticket/v1/ticket_service.js";

const { values: flags } = parseArgs({
  options: {
    target: { type: "string", default: "127.0.0.1:50051" },
    sandbox: { type: "string", default: "127.0.0.1:50060" },
    "ca-file": { type: "string" },
    "token-file": { type: "string" },
    "service-config": { type: "string", default: "service_config.json" },
  },
});

const door = { caFile: flags["ca-file"], tokenFile: flags["token-file"] };
const gateway = connection(door, flags["service-config"]);
const cards = new CardServiceClient(flags.target, gateway.credentials, gateway.options);
const tickets = new TicketServiceClient(flags.target, gateway.credentials, gateway.options);
const operations = new OperationServiceClient(flags.target, gateway.credentials, gateway.options);
const events = new EventServiceClient(flags.target, gateway.credentials, gateway.options);
const platform = new SandboxServiceClient(flags.sandbox, credentials.createInsecure());
const bettor = new Bettor(tickets, operations);

try {
  console.log(await walk());
} catch (error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  for (const client of [cards, tickets, operations, events, platform]) {
    client.close();
  }
}

async function walk(): Promise<string> {
  // The platform is down for a moment: the retry policy gets over it.
  await goWrong(FaultKind.STATUS, "/bc/superbets");
  const listed = await call(cards, cards.listSuperbetCards, { operator: "" });
  const card = listed.response.cards[0];
  assert(card, "there are no cards");

  // A bet, and the same again: one ticket.
  const request = bet("demo", card);
  const first = await bettor.place(request);
  const again = await bettor.place(request);
  assert(!first.replayed && again.replayed, "only the repeat should be a replay");
  assert.equal(again.ticket.id, first.ticket.id, "a repeat should have the same ticket");

  // A refusal.
  const refusal = await bettor.place(bet("nobody", card)).then(
    () => assert.fail("a bet of an unknown player should be refused"),
    (error: unknown) => {
      switch (reasonOf(error)) {
        case ErrorReason.PLAYER_NOT_FOUND:
          return "an unknown player has to log in again";
        default:
          throw error;
      }
    },
  );

  // A bet whose answer gets lost on the way.
  await goWrong(FaultKind.ANSWER_LOST, "/be/tickets");
  const found = await bettor.place(bet("demo", card));
  assert(found.lost && found.replayed, "the ticket should have been found by the gateway");
  assert.notEqual(found.ticket.id, first.ticket.id, "a bet of its own should have a ticket of its own");

  const { response } = await call(tickets, tickets.listTickets, ListTicketsRequest.fromPartial({}));
  assert.equal(response.tickets.length, 2, "there should be two tickets");

  // Events, in two goes: the second begins where the first ended.
  let cursor = await follow("", "ticketCreate", first.ticket.id);
  const step = { identifier: first.ticket.id, step: TicketStep.WIN };
  await call(platform, platform.advanceTicket, AdvanceTicketRequest.fromPartial(step));
  cursor = await follow(cursor, "ticketCreate", found.ticket.id);
  await follow(cursor, "ticketWin", first.ticket.id);

  const [code, foundCode] = [first.ticket.code, found.ticket.code];
  return (
    `${listed.response.cards.length} cards after a retry, ticket ${code} placed and replayed, ${refusal}, ` +
    `ticket ${foundCode} found after its answer was lost, ${response.tickets.length} tickets listed, ` +
    `ticket ${code} followed until it was won`
  );
}

function bet(token: string, card: SuperbetCard): CreateTicketRequest {
  return CreateTicketRequest.fromPartial({
    requestId: randomUUID(), // once per intended bet, and kept until the outcome is known
    token,
    price: 20_00n,
    currency: "KES",
    source: TicketSource.MOBILE,
    selection: {
      $case: "superbet",
      value: { event: card.event?.id ?? 0n, bets: card.bets.slice(0, 2).map((each) => each.id) },
    },
  });
}

/** Reads the next event after a cursor, checks that it is of this kind and about this ticket, and returns its cursor. */
async function follow(cursor: string, kind: "ticketCreate" | "ticketWin", ticketId: string): Promise<string> {
  const wanted = { operator: "", kinds: [EventKind.TICKET_CREATE, EventKind.TICKET_WIN], cursor, consumer: "" };
  const stream = events.subscribe(wanted, { deadline: Date.now() + 20_000 });
  stream.on("error", () => {}); // that we end it is no error
  try {
    for await (const response of stream) {
      const body = response.event?.body;
      assert(body?.$case === kind, `${kind} was expected, not ${body?.$case}`);
      assert.equal(body.value.ticketId, ticketId, `${kind} of another ticket`);
      return response.cursor;
    }
  } finally {
    stream.cancel();
  }
  throw new Error("the stream of events has ended");
}

/** Lets the platform's next answer on a path go wrong. */
async function goWrong(kind: FaultKind, path: string): Promise<void> {
  await call(platform, platform.addFault, AddFaultRequest.fromPartial({ fault: { kind, path } }));
}
