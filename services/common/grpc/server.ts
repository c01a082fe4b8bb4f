/** How every tier serves gRPC: its own services, health, reflection, the shared token, a graceful end. */
import { lstat, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { createSecureContext } from 'node:tls';
import { Server, ServerCredentials, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import { GRPC_MESSAGE_BYTES_MAX, KEEPALIVE_INTERVAL_MS, KEEPALIVE_TIMEOUT_MS } from '../bounds.ts';
import type { Component } from '../component.ts';
import { MillraceError } from '../errors.ts';
import { isTrusted } from './auth.ts';
import { HealthService } from './health.ts';
import { reflectionService } from './reflection.ts';
import { type ServedService, serviceDefinition } from './service.ts';

export interface GrpcServerOptions {
  /** Of the component, as in logs. */
  readonly name: string;
  /** host:port (port 0: any free one) or unix:/path */
  readonly address: string;
  /** Callers must send it; undefined: everyone who can reach the address is trusted. */
  readonly token: string | undefined;
  readonly services: readonly ServedService[];
  /** undefined: in the clear. */
  readonly tls?: ServerTls | undefined;
}

/** PEM texts. */
export interface ServerTls {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** Callers must show a certificate that one of these has signed; undefined: nobody is asked for one. */
  readonly clientAuthorities: Buffer | undefined;
}

export interface GrpcServer extends Component {
  /** Where it really listens. */
  readonly address: string;
  setServing(serving: boolean): void;
}

/** @throws MillraceError unavailable when the address is taken or cannot be used; Error for PEM texts that are none */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const health = new HealthService(options.services.map((service) => service.desc.typeName));
  const server = new Server({
    'grpc.max_receive_message_length': GRPC_MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': GRPC_MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_INTERVAL_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    // Where nothing is checked a call shall not pay for it.
    interceptors: options.token ? [tokenCheck(options.token)] : [],
  });
  const descs = [...options.services.map((service) => service.desc), health.desc];
  const served: readonly ServedService[] = [...options.services, health, reflectionService(descs)];
  for (const service of served) {
    server.addService(serviceDefinition(service.desc, service.codecs), service.implementation);
  }
  const serverCredentials = credentialsOf(options.tls);
  await removeStaleSocket(options.address);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.address, serverCredentials, (error, bound) => {
      if (error) {
        // Whoever starts a tier reads this, no client does.
        const message = `${options.name} cannot listen on ${options.address}: ${error.message}`;
        reject(new MillraceError('unavailable', message, undefined, error));
      } else resolve(bound);
    });
  });
  return {
    name: options.name,
    address: options.address.startsWith('unix:') ? options.address : options.address.replace(/:\d+$/, `:${port}`),
    setServing: (serving) => health.setServing(serving),
    drain: (deadline) =>
      new Promise((resolve) => {
        health.setServing(false);
        health.endWatches();
        const force = (): void => {
          server.forceShutdown();
          resolve();
        };
        deadline.addEventListener('abort', force, { once: true });
        server.tryShutdown(() => {
          deadline.removeEventListener('abort', force);
          resolve();
        });
        if (deadline.aborted) force(); // others took all of the time
      }),
    close: async () => server.forceShutdown(),
  };
}

function credentialsOf(tls: ServerTls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const { certificate, key, clientAuthorities } = tls;
  // Looked at here: a text that is none would otherwise fail each caller's handshake, and nobody else.
  createSecureContext({ cert: certificate, key, ...(clientAuthorities && { ca: clientAuthorities }) });
  const pair = [{ cert_chain: certificate, private_key: key }];
  return ServerCredentials.createSsl(clientAuthorities ?? null, pair, clientAuthorities !== undefined);
}

/** A process that was killed leaves its socket file: it goes where nobody answers behind it. */
async function removeStaleSocket(address: string): Promise<void> {
  if (!address.startsWith('unix:')) return;
  const path = address.slice('unix:'.length);
  const file = await lstat(path).catch(() => undefined);
  if (!file?.isSocket()) return; // a wrong path must not cost anyone a file
  const alive = await new Promise<boolean>((resolve) => {
    const knock = connect(path);
    knock.once('connect', () => resolve(true));
    knock.once('error', () => resolve(false));
    knock.once('close', () => knock.removeAllListeners());
    knock.once('connect', () => knock.destroy());
  });
  if (!alive) await rm(path, { force: true });
}

/** Health stays open: a balancer has no secret. */
function tokenCheck(token: string): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, nextMetadata) => {
            if (method.path.startsWith('/grpc.health.') || isTrusted(metadata, token)) nextMetadata(metadata);
            else call.sendStatus({ code: status.UNAUTHENTICATED, details: 'The tier token is missing or wrong.' });
          },
        }),
    });
}
