/** `GET /status`: may this router be sent requests, and is what it decides by current (system-api §1.9). */
import { hostname, platform } from 'node:os';
import type { AccessState } from '../access/state.ts';

/**
 * The original's keys, and ours: `ready`, and `access` with `live` (false: the system service is not heard, decisions
 * are made from the snapshot of `version`).
 */
export function statusOf(
  state: AccessState,
  live: boolean,
  version: string,
  host: string | undefined,
): Record<string, unknown> {
  const users = [...state.users.values()];
  const admins = users.filter((user) => user.isSysAdmin).length;
  return {
    uri: `http://${host ?? hostname()}`,
    managed: false,
    dist: 'Millrace',
    demo: false,
    version,
    license: 'OPEN SOURCE',
    host_os: platform(),
    last_admin_login: state.settings?.lastAdminLogin || null,
    resources: {
      app: state.apps.size,
      admin: admins,
      user: users.length - admins,
      service: state.services.size,
      role: state.roles.size,
    },
    ready: state.version > 0n,
    access: { live, version: Number(state.version) },
  };
}
