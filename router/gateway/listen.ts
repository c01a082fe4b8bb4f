/** Where the gateway listens: a port for programs with the credentials of the API, and an address among the tiers. */
import { readFile } from 'node:fs/promises';
import { type Component, startAll } from '#common/component.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { type GrpcServer, type ServerTls, startGrpcServer } from '#common/grpc/server.ts';
import type { GatewayConfig } from '../config.ts';
import { type GatewayOptions, gatewayService } from './service.ts';

const NAME = 'gateway';

export interface GatewayDoor extends Component {
  /** Undefined where there is no public one. */
  readonly port: number | undefined;
}

/**
 * @param token  of the cluster: whoever comes by the internal address must know it
 * @throws MillraceError unavailable naming MILLRACE_GRPC_PORT for a port that cannot be had; invalid naming the variable
 *   of a certificate that cannot be used
 */
export async function listenGateway(
  config: GatewayConfig,
  token: string | undefined,
  options: GatewayOptions,
): Promise<GatewayDoor> {
  const service = gatewayService(options);
  const services = [service];
  let port: number | undefined;
  const open = async (): Promise<GrpcServer> => {
    const server = await startPublic(config, services);
    port = Number(/\d+$/.exec(server.address)?.[0]);
    return server;
  };
  const { address } = config;
  const inside = (at: string) => () => startGrpcServer({ name: NAME, address: at, token, services });
  const parts = await startAll([
    ...(address === undefined ? [] : [inside(address)]),
    ...(config.port === undefined ? [] : [open]),
  ]);
  const drain = (deadline: AbortSignal): Promise<void> => {
    service.drain();
    return parts.drain(deadline);
  };
  return { name: NAME, port, drain, close: parts.close };
}

async function startPublic(
  { host, port, tls: files }: GatewayConfig,
  services: Parameters<typeof startGrpcServer>[0]['services'],
): Promise<GrpcServer> {
  const tls = files && (await readTls(files));
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    return await startGrpcServer({ name: NAME, address, token: undefined, services, tls });
  } catch (error) {
    if (error instanceof MillraceError) {
      const message = `MILLRACE_GRPC_PORT ${port} cannot be listened on at ${host}: it is taken, or not allowed.`;
      throw new MillraceError('unavailable', message, undefined, error.cause);
    }
    const reason = (error as Error).message;
    throw invalid(`MILLRACE_GRPC_TLS_CERT, MILLRACE_GRPC_TLS_KEY or MILLRACE_GRPC_TLS_CLIENT_CA: ${reason}`);
  }
}

async function readTls({ certificate, key, clientCa }: NonNullable<GatewayConfig['tls']>): Promise<ServerTls> {
  return {
    certificate: await readPem('MILLRACE_GRPC_TLS_CERT', certificate),
    key: await readPem('MILLRACE_GRPC_TLS_KEY', key),
    clientAuthorities: clientCa === undefined ? undefined : await readPem('MILLRACE_GRPC_TLS_CLIENT_CA', clientCa),
  };
}

function readPem(variable: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw invalid(`${variable}: ${file} cannot be read (${error.code}).`);
  });
}
