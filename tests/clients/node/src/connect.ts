import { readFileSync } from "node:fs";

import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  credentials,
} from "@grpc/grpc-js";

export interface Door {
  /** Who vouches for the gateway; absent: plaintext. */
  caFile?: string | undefined;
  /** The bearer token, which travels over TLS only. */
  tokenFile?: string | undefined;
}

/** What every client of a gateway's services is made with. */
export interface Connection {
  credentials: ChannelCredentials;
  options: ChannelOptions;
}

/** How the gateway is reached; how long calls wait and which are repeated is said by its service config. */
export function connection(door: Door, serviceConfigFile: string): Connection {
  return {
    credentials: credentialsOf(door),
    options: { "grpc.service_config": readFileSync(serviceConfigFile, "utf8") },
  };
}

function credentialsOf({ caFile, tokenFile }: Door): ChannelCredentials {
  if (caFile === undefined) {
    return credentials.createInsecure();
  }
  const tls = credentials.createSsl(readFileSync(caFile));
  if (tokenFile === undefined) {
    return tls;
  }
  const shown = new Metadata();
  shown.set("authorization", `Bearer ${readFileSync(tokenFile, "utf8").trim()}`);
  const token = credentials.createFromMetadataGenerator((_, callback) => callback(null, shown));
  return credentials.combineChannelCredentials(tls, token);
}

export interface Answer<Response> {
  response: Response;
  /** The initial metadata. */
  metadata: Metadata;
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Makes a unary call, with a deadline. */
export function call<Request, Response>(
  client: Client,
  method: Unary<Request, Response>,
  request: Request,
  timeoutMs = 10_000,
): Promise<Answer<Response>> {
  return new Promise((resolve, reject) => {
    let metadata = new Metadata();
    const deadline = Date.now() + timeoutMs;
    method
      .call(client, request, new Metadata(), { deadline }, (error, response) =>
        error ? reject(error) : resolve({ response, metadata }),
      )
      .on("metadata", (initial) => {
        metadata = initial;
      });
  });
}
