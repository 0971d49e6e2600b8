"""What can be asked of the gateway itself and of the sandbox? Operations, events, and every step of the steering."""

from __future__ import annotations

from typing import Final

from gateway.cli.reference.recording import Recorder
from gateway.cli.reference.runs.cards import Cards
from gateway.cli.reference.runs.tickets import Bets, superbet
from gateway.cli.reference.stable import request_id

__all__ = ["decide_tickets", "follow_events", "lose_an_answer", "steer"]

_ADVANCE: Final = "SandboxService/AdvanceTicket"


async def follow_events(recorder: Recorder) -> None:
    """Subscribe as a consumer, and acknowledge."""
    wanted = {"operator": "site", "kinds": ["EVENT_KIND_TICKET_CREATE"], "consumer": "risk-desk"}
    first, *_ = await recorder.stream("EventService/Subscribe", wanted, 1)
    done = {"operator": "site", "consumer": "risk-desk", "cursor": first.cursor}
    await recorder.call("EventService/Acknowledge", done)


async def lose_an_answer(recorder: Recorder, cards: Cards) -> None:
    """Let a bet's answer get lost, and find out what became of it."""
    fault = {"kind": "FAULT_KIND_ANSWER_LOST", "path": "/be/tickets", "method": "POST"}
    await recorder.call("SandboxService/AddFault", {"fault": fault})
    await recorder.call("SandboxService/ListFaults", {})
    lost = superbet(cards, "a bet whose answer is lost")
    await recorder.refusal("TicketService/CreateTicket", lost, "OUTCOME_UNKNOWN", "The answer is lost")
    placed = {"operator": "site", "request_id": request_id("a superbet")}
    await recorder.call("OperationService/GetOperation", placed)
    unknown = {"operator": "site", "states": ["OPERATION_STATE_UNKNOWN"], "page_size": 10}
    await recorder.call("OperationService/ListOperations", unknown)
    verdict = {
        "operator": "site",
        "request_id": lost["request_id"],
        "verdict": "OPERATION_VERDICT_EXECUTED",
        "reason": "seen in the back office",
        "resolved_by": "ada",
    }
    await recorder.call("OperationService/ResolveOperation", verdict)
    watched = {"operator": "site", "request_id": lost["request_id"]}
    await recorder.stream("OperationService/WatchOperation", watched, 1)


async def decide_tickets(recorder: Recorder, bets: Bets) -> None:
    """Let the platform decide what was bet, so that every action is sent as a webhook."""
    await recorder.call(_ADVANCE, {"identifier": bets.superbet.code, "step": "TICKET_STEP_WIN"})
    for identifier, step, more in (
        (bets.superbet.code, "ROLLBACK", {"reason": "wrong score"}),
        (bets.superbet.code, "LOSE", {}),
        (bets.superbet.code, "CLOSE", {}),
        (bets.jackpot.code, "UPDATE", {"gross_payout": 2 * bets.jackpot.gross_payout}),
        (bets.quicktip.code, "VOID", {}),
        (bets.quickbet.code, "REFUND", {"reason": "declined by risk"}),
        (bets.reserved.code, "CANCEL", {"reason": "not paid in time"}),
    ):
        await recorder.aside(_ADVANCE, {"identifier": identifier, "step": f"TICKET_STEP_{step}", **more})


async def steer(recorder: Recorder) -> None:
    """Make every other call of SandboxService."""
    webhooks = recorder.place.gateway.webhooks
    await recorder.call("SandboxService/ClearFaults", {})
    chaos = {"probability": 0.1, "kinds": ["FAULT_KIND_ANSWER_LOST", "FAULT_KIND_STATUS"], "seed": 7, "path": "/be/"}
    await recorder.call("SandboxService/SetChaos", {"chaos": chaos})
    await recorder.call("SandboxService/SetWebhookChaos", {"chaos": {"duplicate": 0.2, "delay": 0.1, "seed": 7}})
    await recorder.aside("SandboxService/SetWebhookChaos", {"chaos": {}})
    await recorder.call("SandboxService/FundPlayer", {"token": "demo", "amount": 50_00})
    await recorder.call("SandboxService/GetBooks", {})
    await recorder.stream("SandboxService/ListTickets", {"operator": "site"}, 1)
    urls = {f"{api}_url": f"http://{webhooks}/{api}/site" for api in ("pam", "sms")}
    await recorder.call("SandboxService/SetWebhooks", {"operator": "site", **urls})
    await recorder.call("SandboxService/SendOtp", {"operator": "site", "msisdn": "+254700000000", "code": "1234"})
    await recorder.call("SandboxService/DeliverWebhooks", {})
    await recorder.stream("SandboxService/ListWebhooks", {"operator": "site"}, 1)
    await recorder.call("SandboxService/AdvanceClock", {"by": "60s"})
