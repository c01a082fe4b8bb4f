/** What people do with accounts of their own, in one place for whoever serves it. */
import type { Logger } from '#common/observe/log.ts';
import type { Changes } from '../../changes.ts';
import type { Tools } from '../../records/model.ts';
import type { Sessions } from '../../sessions.ts';
import { PasswordChanges } from './password.ts';
import { Profiles } from './profile.ts';
import { Registrations } from './register.ts';

export class Accounts {
  readonly passwords: PasswordChanges;
  readonly profiles: Profiles;
  readonly registrations: Registrations;

  constructor(changes: Changes, tools: Tools, sessions: Sessions, log: Logger) {
    this.passwords = new PasswordChanges(changes, tools, sessions, log);
    this.profiles = new Profiles(changes, tools, sessions);
    this.registrations = new Registrations(changes, tools, sessions, this.passwords);
  }

  /** Resolves when what goes on behind answers has ended. */
  settled(): Promise<void> {
    return this.passwords.settled();
  }
}
