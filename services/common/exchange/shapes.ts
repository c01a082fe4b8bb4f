/** Shapes come again and again as the same bytes: decoded once, so that a plan can hang on the identical object. */
import { fromBinary } from '@bufbuild/protobuf';
import { LRUCache } from 'lru-cache';
import { type Operation, type Shape, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import { PLANS_MAX } from '../bounds.ts';
import { invalid } from '../errors.ts';

export class ShapeCache {
  readonly #shapes = new LRUCache<string, Shape>({ max: PLANS_MAX });

  /** @throws MillraceError invalid when the operation holds no shape, or none that can be read */
  of(operation: Operation): Shape {
    if (operation.form.case === 'shape') return operation.form.value;
    if (operation.form.case !== 'encodedShape') throw invalid('The operation has no shape.');
    const bytes = operation.form.value;
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    let shape = this.#shapes.get(key);
    if (!shape) {
      try {
        shape = fromBinary(ShapeSchema, bytes);
      } catch (error) {
        throw invalid(`The operation's shape cannot be read: ${(error as Error).message}`);
      }
      this.#shapes.set(key, shape);
    }
    return shape;
  }
}
