/** What people do with accounts, as tests call it: each time from another network, unless a test is about that. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Target } from '#proto/data/v1/data_pb.ts';
import {
  PasswordRequestSchema,
  ProfileChangeSchema,
  ProfileRequestSchema,
  RegisterRequestSchema,
  UserKind,
} from '#proto/system/v1/system_pb.ts';
import { ALL, list, patch, related } from './actions.ts';
import type { Suite } from './suite.ts';
import { replyOf, sessionOf } from './system.ts';

export const PASSWORD = 'Long-enough-pw-16';
export const OTHER = 'Other-long-pw-1616';
export const USER_SERVICE = 7;
export const SYSTEM_SERVICE = 1;
export const EMAIL_SERVICE = 6;

const TIMEOUT_MS = 20_000;
let network = 0;
const somewhere = (): string => `10.1.${Math.floor(++network / 250)}.${network % 250}`;

export function accountCalls(suite: Suite) {
  const register = async (record: object, more: MessageInitShape<typeof RegisterRequestSchema> = {}) => {
    const request = { recordJson: Buffer.from(JSON.stringify(record)), clientAddress: somewhere(), ...more };
    return replyOf(await suite.system.accounts.call('register', create(RegisterRequestSchema, request), TIMEOUT_MS));
  };
  const password = async (more: MessageInitShape<typeof PasswordRequestSchema>) => {
    const request = create(PasswordRequestSchema, { kind: UserKind.USER, clientAddress: somewhere(), ...more });
    return replyOf(await suite.system.accounts.call('changePassword', request, TIMEOUT_MS));
  };
  const profile = async (userId: number, kind: UserKind = UserKind.USER) =>
    replyOf(await suite.system.accounts.call('getProfile', create(ProfileRequestSchema, { kind, userId }), TIMEOUT_MS));
  const changeProfile = async (userId: number, record: object, clientAddress = somewhere()) => {
    const recordJson = Buffer.from(JSON.stringify(record));
    const request = create(ProfileChangeSchema, { kind: UserKind.USER, userId, recordJson, clientAddress });
    return replyOf(await suite.system.accounts.call('changeProfile', request, TIMEOUT_MS));
  };
  const configure = (id: number, config: object) =>
    suite.system.execute(patch('service', Target.ONE), { keys: [id], records: { config } });
  const signIn = async (email: string, pw: string, kind: UserKind = UserKind.USER) =>
    sessionOf(await suite.system.login(kind, email, pw, { clientAddress: somewhere() }));
  const userNamed = async (email: string, ...names: string[]) => {
    const users = await suite.system.json(list('user', { selection: ALL, related: related(...names) }));
    return users.find((user: { email: string }) => user.email === email);
  };
  return { register, password, profile, changeProfile, configure, signIn, userNamed };
}
