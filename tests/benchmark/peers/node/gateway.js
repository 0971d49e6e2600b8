// What does the same signed call cost on Node.js? grpc-js and undici; node gateway.js URL PROTOS.
'use strict';
const crypto = require('node:crypto');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const { Pool } = require('undici');

const [url, protos] = process.argv.slice(2);
const KEY = '12345ABCDE';
const definition = loader.loadSync('betstack/ticket/v1/ticket_service.proto', {
  keepCase: true, longs: Number, enums: Number, defaults: false, oneofs: true, includeDirs: [protos],
});
const { TicketService } = grpc.loadPackageDefinition(definition).betstack.ticket.v1;
const upstream = new Pool(url, { connections: 2000, pipelining: 1 });

const EXT_TYPES = { inclusive: 1, exclusive: 2 };
const STATUSES = { open: 4 };
const RESULTS = { pending: 1 };
const SOURCES = { mobile: 2 };
const TYPES = { quicktip: 1 };

function signedHeaders() {
  const timestamp = String(Math.floor(Date.now() / 1000));
  return {
    accept: 'application/json',
    timestamp,
    signature: crypto.createHmac('sha256', KEY).update(timestamp).digest('hex'),
  };
}

function responseOf(ticket) {
  const created = Date.parse(ticket.created + 'Z');
  return {
    ticket: {
      ...ticket,
      ext_type: EXT_TYPES[ticket.ext_type],
      status: STATUSES[ticket.status],
      result: RESULTS[ticket.result],
      source: SOURCES[ticket.source],
      type: TYPES[ticket.type],
      created: { seconds: Math.floor(created / 1000), nanos: (created % 1000) * 1e6 },
    },
  };
}

async function getTicket(call, done) {
  try {
    const { statusCode, body } = await upstream.request({
      method: 'GET', path: `/be/tickets/${call.request.identifier}`, headers: signedHeaders(),
    });
    const ticket = await body.json();
    if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`);
    done(null, responseOf(ticket));
  } catch (error) {
    done({ code: grpc.status.UNAVAILABLE, details: error.message });
  }
}

const server = new grpc.Server();
server.addService(TicketService.service, { GetTicket: getTicket });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`gateway  127.0.0.1:${port}`);
});
process.on('SIGTERM', () => process.exit(0));
