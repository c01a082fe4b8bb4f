import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { readWorkerConfig } from './worker-config.ts';

const SOCKETS = {
  MILLRACE_SCRIPT_QUICK_ADDRESSES: 'unix:/a',
  MILLRACE_SCRIPT_PATIENT_ADDRESSES: 'unix:/b,unix:/c',
};
const NATS = { MILLRACE_NATS_URL: 'nats://n:4222' };

describe('places of workers', () => {
  test('one for each socket, where there is no NATS', () => {
    expect(readConfig(SOCKETS).places).toEqual([
      { lane: 'quick', address: 'unix:/a' },
      { lane: 'patient', address: 'unix:/b' },
      { lane: 'patient', address: 'unix:/c' },
    ]);
  });

  test('as many as are asked for over NATS, whatever the sockets are', () => {
    const counts = { MILLRACE_SCRIPT_QUICK_WORKERS: '2', MILLRACE_SCRIPT_PATIENT_WORKERS: '1' };
    expect(readConfig({ ...SOCKETS, ...NATS, ...counts }).places).toEqual([
      { lane: 'quick', address: undefined },
      { lane: 'quick', address: undefined },
      { lane: 'patient', address: undefined },
    ]);
  });

  test.each([
    [{}, true],
    [{ MILLRACE_SCRIPT_SPARE_WORKER: 'false' }, false],
  ])('and a spare one, unless none is wanted: %j', (env, hasSpare) => {
    expect(readConfig({ ...NATS, ...env }).hasSpare).toBe(hasSpare);
  });

  test('at least one of each', () => {
    const lanes = readConfig(NATS).places.map(({ lane }) => lane);
    expect(lanes).toEqual(expect.arrayContaining(['quick', 'patient']));
  });

  const REFUSED: [why: string, env: Record<string, string>, says: string][] = [
    ['nothing', {}, 'MILLRACE_NATS_URL'],
    ['no socket for a lane', { MILLRACE_SCRIPT_QUICK_ADDRESSES: 'unix:/a' }, 'MILLRACE_SCRIPT_PATIENT_ADDRESSES'],
    ['a port', { ...SOCKETS, MILLRACE_SCRIPT_QUICK_ADDRESSES: '127.0.0.1:1' }, '127.0.0.1:1'],
    ['a port to stand by at', { ...SOCKETS, MILLRACE_SCRIPT_STANDBY_ADDRESS: '127.0.0.1:2' }, '127.0.0.1:2'],
    ['no worker', { ...NATS, MILLRACE_SCRIPT_QUICK_WORKERS: '0' }, 'MILLRACE_SCRIPT_QUICK_WORKERS'],
    ['too many', { ...NATS, MILLRACE_SCRIPT_PATIENT_WORKERS: '65' }, 'MILLRACE_SCRIPT_PATIENT_WORKERS'],
    ['less than no processor', { ...NATS, MILLRACE_SCRIPT_PROCESSORS_LEFT: '-1' }, 'MILLRACE_SCRIPT_PROCESSORS_LEFT'],
    ['no URL', { MILLRACE_NATS_URL: 'http://u:secret@n' }, 'MILLRACE_NATS_URL'],
  ];
  test.each(REFUSED)('%s is refused', (_why, env, says) => {
    expect(() => readConfig(env)).toThrow(says);
    expect(() => readConfig(env)).not.toThrow('secret');
  });
});

describe('a worker', () => {
  test('has its place, and what its scripts are bound by', () => {
    const config = readWorkerConfig({
      MILLRACE_SCRIPT_PLACE: '{"lane":"quick","address":"unix:/a"}',
      MILLRACE_GATEWAY_ADDRESSES: 'unix:/g,unix:/g-1',
      MILLRACE_SCRIPT_FETCH_ALLOW: 'api.example.com, other.example:8443',
      ...NATS,
    });
    expect(config).toMatchObject({
      place: { lane: 'quick', address: 'unix:/a' },
      gatewayAddresses: ['unix:/g', 'unix:/g-1'],
      outbound: { hosts: ['api.example.com', 'other.example:8443'] },
      nats: undefined,
    });
  });

  test('has no place where it stands ready for any', () => {
    expect(readWorkerConfig(NATS)).toMatchObject({ place: undefined, nats: { servers: ['n:4222'] }, nice: 10 });
  });

  test('stands by at an address of its own, unless there is NATS', () => {
    const env = { MILLRACE_SCRIPT_STANDBY_ADDRESS: 'unix:/s' };
    expect(readWorkerConfig(env).standbyAddress).toBe('unix:/s');
    expect(readWorkerConfig({ ...env, ...NATS }).standbyAddress).toBeUndefined();
  });

  test('is reached over NATS where its place has no address; by default it calls nobody outside', () => {
    const config = readWorkerConfig({ MILLRACE_SCRIPT_PLACE: '{"lane":"patient"}', ...NATS });
    expect(config).toMatchObject({ nats: { servers: ['n:4222'] }, outbound: { hosts: [] } });
  });
});
