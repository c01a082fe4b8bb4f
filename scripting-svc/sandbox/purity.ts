/**
 * Is what a script leaves behind decided by its event and its session alone? Then its outcome may be remembered. Said only
 * of what can be seen to be so: a script that uses nothing but its own names and a few functions of the language, none of
 * which knows the time, chance, the host or an earlier run. Objects that all runs share cannot be changed by it: its realm
 * is hardened (prelude/harden.js).
 */
import { type AnyNode, type Function as FunctionNode, type Identifier, type Pattern, parse } from 'acorn';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Used as they are. `platform` is known by its session alone. */
const VALUES = words('event undefined NaN Infinity String Number Boolean parseInt parseFloat isNaN isFinite');
const CALLED = words(
  'String Number Boolean BigInt Array Object parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent ' +
    'encodeURI decodeURI Error TypeError RangeError RegExp',
);
/** `new Date()` is the time: it needs something that it is made of. */
const MADE = words('Array Object Error TypeError RangeError RegExp Map Set Date');
/** Members of the language's own objects that may be called, or looked at where they are numbers. */
const STATICS: Readonly<Record<string, ReadonlySet<string>>> = {
  Math: words(
    'abs ceil floor round trunc sign min max pow sqrt cbrt hypot log log2 log10 log1p exp expm1 sin cos tan asin acos atan ' +
      'atan2 sinh cosh tanh asinh acosh atanh clz32 imul fround PI E LN2 LN10 LOG2E LOG10E SQRT2 SQRT1_2',
  ),
  JSON: words('parse stringify'),
  Object: words('keys values entries fromEntries assign hasOwn is'),
  Array: words('isArray from of'),
  Number: words(
    'isInteger isFinite isNaN isSafeInteger parseFloat parseInt MAX_SAFE_INTEGER MIN_SAFE_INTEGER MAX_VALUE MIN_VALUE EPSILON',
  ),
  String: words('fromCharCode fromCodePoint raw'),
  Date: words('parse UTC'),
  BigInt: words('asIntN asUintN'),
  platform: words('session'),
};
/** Ways from an object to what is not its own. */
const REFUSED_MEMBERS = words(
  'constructor __proto__ prototype caller callee arguments __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__',
);
const REFUSED_NODES = words(
  'ThisExpression AwaitExpression YieldExpression ImportExpression MetaProperty WithStatement TaggedTemplateExpression Super ' +
    'ImportDeclaration ExportNamedDeclaration ExportDefaultDeclaration ExportAllDeclaration DebuggerStatement',
);

/** Names that are known at a place; `outer`: those around it. */
interface Scope {
  readonly names: Set<string>;
  readonly outer: Scope | undefined;
}

class Impure extends Error {}

/** Longer ones are not looked through: runs of others wait meanwhile. */
const BODY_LENGTH_MAX = 50_000;

/** @param body  of a function of (event, platform), types stripped, without imports */
export function isPure(body: string): boolean {
  if (body.length > BODY_LENGTH_MAX) return false;
  try {
    const program = parse(`(function(){${body}\n})`, { ecmaVersion: 'latest', sourceType: 'script' });
    visit(program, { names: new Set(), outer: undefined });
    return true;
  } catch {
    return false;
  }
}

function visit(node: AnyNode, scope: Scope): void {
  if (REFUSED_NODES.has(node.type)) throw new Impure(node.type);
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return visitFunction(node, scope);
    case 'ClassDeclaration':
    case 'ClassExpression':
      return visitChildren(node, within(scope, node.id ? [node.id.name] : []));
    case 'BlockStatement':
    case 'Program':
      return visitChildren(node, within(scope, node.body.flatMap(lexicalNames)));
    case 'SwitchStatement':
      return visitChildren(
        node,
        within(
          scope,
          node.cases.flatMap((one) => one.consequent.flatMap(lexicalNames)),
        ),
      );
    case 'ForStatement':
      return visitChildren(node, within(scope, node.init ? lexicalNames(node.init) : []));
    case 'ForInStatement':
    case 'ForOfStatement':
      if (node.type === 'ForOfStatement' && node.await) throw new Impure('for await');
      if (node.left.type !== 'VariableDeclaration') checkTargets(node.left, scope);
      return visitChildren(node, within(scope, lexicalNames(node.left)));
    case 'CatchClause':
      return visitChildren(node, within(scope, node.param ? namesOf(node.param) : []));
    case 'AssignmentExpression':
      checkTargets(node.left, scope);
      return visitChildren(node, scope);
    case 'UpdateExpression':
      checkTargets(node.argument, scope);
      return visitChildren(node, scope);
    case 'Identifier':
      return visitName(node, scope, VALUES);
    case 'CallExpression':
      return visitCall(node.callee, node.arguments, scope, CALLED);
    case 'NewExpression':
      if (isNamed(node.callee, 'Date') && node.arguments.length === 0) throw new Impure('the time');
      return visitCall(node.callee, node.arguments, scope, MADE);
    case 'MemberExpression':
      return visitMember(node, scope);
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      if (node.computed) visit(node.key, scope);
      else checkMember(node.key);
      if (node.value) visit(node.value, scope);
      return;
    case 'LabeledStatement':
      return visit(node.body, scope);
    case 'BreakStatement':
    case 'ContinueStatement':
      return;
    default:
      visitChildren(node, scope);
  }
}

function visitFunction(node: FunctionNode, scope: Scope): void {
  if (node.async || node.generator) throw new Impure('what runs later');
  const own = node.type === 'FunctionExpression' && node.id ? [node.id.name] : [];
  const inner = within(scope, [...own, ...node.params.flatMap(namesOf), ...hoistedNames(node.body)]);
  for (const param of node.params) visit(param, inner);
  visit(node.body, inner);
}

/** A function of the language may be called by its name; whatever else is called is an expression like any other. */
function visitCall(callee: AnyNode, given: readonly AnyNode[], scope: Scope, known: ReadonlySet<string>): void {
  if (callee.type === 'Identifier') visitName(callee, scope, known);
  else visit(callee, scope);
  for (const one of given) visit(one, scope);
}

function visitMember(node: Extract<AnyNode, { type: 'MemberExpression' }>, scope: Scope): void {
  const { object, property, computed } = node;
  if (!computed) checkMember(property);
  else if (property.type === 'Literal' && REFUSED_MEMBERS.has(String(property.value))) throw new Impure('a way out');
  if (object.type === 'Identifier' && !isKnown(object.name, scope) && object.name !== 'event') {
    if (computed || property.type !== 'Identifier' || !ownStatics(object.name)?.has(property.name)) {
      throw new Impure(object.name);
    }
    return;
  }
  visit(object, scope);
  if (computed) visit(property, scope);
}

const ownStatics = (name: string) => (Object.hasOwn(STATICS, name) ? STATICS[name] : undefined);

function visitName({ name }: Identifier, scope: Scope, known: ReadonlySet<string>): void {
  if (!isKnown(name, scope) && !known.has(name)) throw new Impure(name);
}

/** Names that are written are the script's own. */
function checkTargets(pattern: AnyNode, scope: Scope): void {
  for (const name of namesOf(pattern)) if (!isKnown(name, scope) && name !== 'event') throw new Impure(name);
}

function visitChildren(node: AnyNode, scope: Scope): void {
  for (const child of childrenOf(node)) visit(child, scope);
}

function checkMember(key: AnyNode): void {
  const name = key.type === 'Identifier' ? key.name : key.type === 'Literal' ? String(key.value) : '';
  if (REFUSED_MEMBERS.has(name)) throw new Impure(name);
}

const isNamed = (node: AnyNode, name: string): boolean => node.type === 'Identifier' && node.name === name;

const within = (outer: Scope, names: readonly string[]): Scope => ({ names: new Set(names), outer });

function isKnown(name: string, scope: Scope): boolean {
  for (let at: Scope | undefined = scope; at; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

function* childrenOf(node: AnyNode): Generator<AnyNode> {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield child;
  }
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Names that a statement makes known in its block. */
function lexicalNames(node: AnyNode): string[] {
  if (node.type === 'VariableDeclaration') return node.declarations.flatMap(({ id }) => namesOf(id));
  if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') return node.id ? [node.id.name] : [];
  return [];
}

/** Names of `var`, wherever they are in a function, but not in those within it. */
function hoistedNames(node: AnyNode): string[] {
  if (/Function|^Class/.test(node.type)) return [];
  const own = node.type === 'VariableDeclaration' && node.kind === 'var' ? lexicalNames(node) : [];
  return [...own, ...[...childrenOf(node)].flatMap(hoistedNames)];
}

function namesOf(pattern: Pattern | AnyNode): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((one) => namesOf(one.type === 'RestElement' ? one.argument : one.value));
    case 'ArrayPattern':
      return pattern.elements.flatMap((one) => (one ? namesOf(one) : []));
    case 'AssignmentPattern':
      return namesOf(pattern.left);
    case 'RestElement':
      return namesOf(pattern.argument);
    default:
      return [];
  }
}
