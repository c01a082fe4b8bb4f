/** One running service for many cases, with a router and a connector that watch it. */
import { create } from '@bufbuild/protobuf';
import { Scope } from '#proto/access/v1/access_pb.ts';
import { TokenRequestSchema, UserKind } from '#proto/system/v1/system_pb.ts';
import { ALL, post } from './actions.ts';
import { SQL_TYPES, sessionOf, TestSystem, type Watch } from './system.ts';

const PASSWORD = 'Long-enough-pw-16';

export class Suite {
  system!: TestSystem;
  connector!: Watch;
  router!: Watch;

  async start(databaseUrl: string | undefined): Promise<void> {
    this.system = await TestSystem.start(databaseUrl ? { MILLRACE_SYSTEM_DB: databaseUrl } : {});
    this.connector = this.system.watch(Scope.CONNECTOR, SQL_TYPES);
    await this.connector.until((update) => update.full);
    this.router = this.system.watch(Scope.ROUTER);
    await this.router.until((update) => update.full);
  }

  async stop(): Promise<void> {
    this.connector?.cancel();
    this.router?.cancel();
    await this.system?.stop();
  }

  async makeRole(name: string): Promise<number> {
    return (await this.system.json(post('role'), { records: [{ name, is_active: true }] }))[0].id;
  }

  async makeApp(name: string, roleId: number | null = null): Promise<{ id: number; api_key: string }> {
    const records = [{ name, is_active: true, role_id: roleId }];
    return (await this.system.json(post('app', { selection: ALL }), { records }))[0];
  }

  async makeUser(email: string, more: object = {}): Promise<number> {
    const records = [{ first_name: 'U', email, password: PASSWORD, ...more }];
    return (await this.system.json(post('user'), { records }))[0].id;
  }

  async tokenOf(email: string): Promise<string> {
    return sessionOf(await this.system.login(UserKind.USER, email, PASSWORD)).session_token;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  async refresh(token: string): Promise<any> {
    const request = create(TokenRequestSchema, { kind: UserKind.USER, token });
    return sessionOf(await this.system.sessions.call('refresh', request, 5000));
  }
}
