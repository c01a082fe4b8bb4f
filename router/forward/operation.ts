/** A parsed and granted call as the operation that travels. Encoded shapes repeat and are remembered. */
import { toBinary } from '@bufbuild/protobuf';
import { type Caller, type Operation, type Shape, ShapeSchema, type Value } from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';

export interface Travelling {
  readonly keys: readonly Value[];
  readonly records: Uint8Array;
}

export function toOperation(
  requestId: string,
  parsed: Travelling,
  granted: { readonly shape: Shape; readonly parameters: readonly Value[] },
  principal: Principal,
): Operation {
  return {
    $typeName: 'millrace.data.v1.Operation',
    id: 0,
    timeoutMs: 0,
    form: { case: 'encodedShape', value: encoded(granted.shape) },
    keys: parsed.keys as Value[],
    parameters: granted.parameters as Value[],
    records: parsed.records,
    caller: callerOf(principal),
    requestId,
  };
}

const ENCODED = new WeakMap<Shape, Uint8Array>();

function encoded(shape: Shape): Uint8Array {
  let bytes = ENCODED.get(shape);
  if (!bytes) {
    bytes = toBinary(ShapeSchema, shape);
    ENCODED.set(shape, bytes);
  }
  return bytes;
}

export function callerOf({ user, role, app, isAdmin }: Principal): Caller {
  return {
    $typeName: 'millrace.data.v1.Caller',
    userId: user?.id ?? 0,
    roleId: role?.source.id ?? 0,
    appId: app?.id ?? 0,
    isAdmin,
  };
}
