/** What a person who starts the product sees on standard output. */

/** Told once; the password only where it was generated. */
export function administratorLine(admin: { readonly email: string; readonly password: string | undefined }): string {
  const secret = admin.password ? `password ${admin.password} (shown only now)` : 'password as given';
  return `First administrator: ${admin.email}, ${secret}\n`;
}

/**
 * @param gateways  addresses of the gRPC door
 * @param sampleApiKey  first start with sample data only
 */
export function readyLines(
  origin: string,
  gateways: readonly string[],
  dataDir: string,
  sampleApiKey: string | undefined,
): string {
  const grpc = gateways.length > 0 ? `The same over gRPC: ${gateways.join(', ')}\n` : '';
  const ready = `Millrace is ready at ${origin} (data in ${dataDir}).\n${grpc}`;
  if (!sampleApiKey) return ready;
  return `${ready}Try it: curl -H 'X-DreamFactory-API-Key: ${sampleApiKey}' '${origin}/api/v2/db/_table/airport?limit=3'\n`;
}

/** Where a client on this machine reaches a listener: an address that means "all" is no destination. */
export const originOf = (host: string, port: number): string => `http://${addressOf(host, port)}`;

/** Host and port of the same. */
export function addressOf(host: string, port: number): string {
  const destination = ['0.0.0.0', '::', ''].includes(host) ? '127.0.0.1' : host;
  return `${destination.includes(':') ? `[${destination}]` : destination}:${port}`;
}
