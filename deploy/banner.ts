/** What a person who starts the product sees on standard output. */

/** Told once; the password only where it was generated. */
export function administratorLine(admin: { readonly email: string; readonly password: string | undefined }): string {
  const secret = admin.password ? `password ${admin.password} (shown only now)` : 'password as given';
  return `First administrator: ${admin.email}, ${secret}\n`;
}

/** @param sampleApiKey  first start with sample data only */
export function readyLines(origin: string, dataDir: string, sampleApiKey: string | undefined): string {
  const ready = `Millrace is ready at ${origin} (data in ${dataDir}).\n`;
  if (!sampleApiKey) return ready;
  return `${ready}Try it: curl -H 'X-DreamFactory-API-Key: ${sampleApiKey}' '${origin}/api/v2/db/_table/airport?limit=3'\n`;
}

/** Where a client on this machine reaches a listener: an address that means "all" is no destination. */
export function originOf(host: string, port: number): string {
  const destination = ['0.0.0.0', '::', ''].includes(host) ? '127.0.0.1' : host;
  return `http://${destination.includes(':') ? `[${destination}]` : destination}:${port}`;
}
