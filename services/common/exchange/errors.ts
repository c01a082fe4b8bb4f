/** The error family as it travels in a reply, both ways. */
import { create } from '@bufbuild/protobuf';
import {
  type Error as ErrorMessage,
  ErrorSchema,
  type ItemOutcome as ItemOutcomeMessage,
} from '#proto/data/v1/data_pb.ts';
import { type ErrorCode, type ErrorContext, type ItemOutcome, MillraceError } from '../errors.ts';

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid',
  'unauthenticated',
  'denied',
  'not_found',
  'unsupported',
  'conflict',
  'limited',
  'overloaded',
  'unavailable',
  'deadline',
  'cancelled',
  'internal',
  'contradiction',
  'script',
]);

const NOTHING = new Uint8Array();

export function errorToMessage(error: MillraceError): ErrorMessage {
  const message = create(ErrorSchema, {
    code: error.code,
    message: error.message,
    contextJson: error.context ? contextToBytes(error.context) : NOTHING,
  });
  if (error.batch) {
    message.batch = {
      $typeName: 'millrace.data.v1.BatchFailure',
      outcomes: error.batch.outcomes.map(outcomeToMessage),
      rolledBack: error.batch.rolledBack,
    };
  }
  return message;
}

/** A code that a newer peer knows and we do not is `internal`. */
export function errorFromMessage(message: ErrorMessage): MillraceError {
  const code = CODES.has(message.code) ? (message.code as ErrorCode) : 'internal';
  const context = message.contextJson.length > 0 ? contextFromBytes(message.contextJson) : undefined;
  const batch = message.batch
    ? { outcomes: message.batch.outcomes.map(outcomeFromMessage), rolledBack: message.batch.rolledBack }
    : undefined;
  return new MillraceError(code, message.message, context, undefined, batch);
}

/** The connector has not begun the operation and will not: it may go elsewhere. */
export const stopping = (): MillraceError =>
  new MillraceError('unavailable', 'The service is stopping.', { stopping: true });

export const isStopping = (error: MillraceError): boolean =>
  error.code === 'unavailable' && error.context?.stopping === true;

/** Facts that cannot travel are left out: what went wrong must arrive all the same. */
function contextToBytes(context: ErrorContext): Uint8Array {
  try {
    return Buffer.from(JSON.stringify(context));
  } catch {
    return NOTHING;
  }
}

function contextFromBytes(bytes: Uint8Array): ErrorContext | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as ErrorContext;
  } catch {
    return undefined;
  }
}

function outcomeToMessage(outcome: ItemOutcome): ItemOutcomeMessage {
  return {
    $typeName: 'millrace.data.v1.ItemOutcome',
    kind:
      'json' in outcome
        ? { case: 'json', value: outcome.json }
        : { case: 'error', value: errorToMessage(outcome.error) },
  };
}

function outcomeFromMessage(message: ItemOutcomeMessage): ItemOutcome {
  if (message.kind.case === 'error') return { error: errorFromMessage(message.kind.value) };
  return { json: message.kind.case === 'json' ? message.kind.value : NOTHING };
}
