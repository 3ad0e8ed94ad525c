/** DynamoDB's condition and update expressions, as far as the journal uses them. */

export type Item = Record<string, unknown>;

interface Placeholders {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

type Condition = (item: Item | undefined, placeholders: Placeholders) => boolean;

const isObject = (value: unknown): value is Item => typeof value === 'object' && value !== null;

const pathOf = (text: string, { names }: Placeholders): string[] =>
  text.split('.').map((part) => (part.startsWith('#') ? (names[part] ?? part) : part));

function valueAt(item: Item | undefined, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), item);
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (left === undefined) return false;
  if (operator === '=') return left === right;
  if (operator === '<>') return left !== right;
  // What is of another type, or no text or number at all, is neither more nor less.
  const isComparable = (typeof left === 'string' || typeof left === 'number') && typeof right === typeof left;
  if (operator === '<') return isComparable && left < Object(right);
  if (operator === '>=') return isComparable && left >= Object(right);
  throw new Error(`Operator ${operator} is not known here.`);
}

/** A recursive descent: OR, AND, parentheses, functions, IN, comparisons. */
function parseCondition(text: string): Condition {
  const tokens = text.match(/\(|\)|,|<>|<|>=|=|[\w#:.]+/g) ?? [];
  let at = 0;
  const take = () => tokens[at++] ?? '';
  const expect = (token: string) => {
    if (take() !== token) throw new Error(`"${text}" is not understood here.`);
  };

  function single(): Condition {
    const first = take();
    if (first === '(') {
      const inner = either();
      expect(')');
      return inner;
    }
    if (first === 'NOT') {
      const inner = single();
      return (item, placeholders) => !inner(item, placeholders);
    }
    if (first === 'attribute_exists' || first === 'attribute_not_exists') {
      expect('(');
      const path = take();
      expect(')');
      const wanted = first === 'attribute_exists';
      return (item, placeholders) => (valueAt(item, pathOf(path, placeholders)) !== undefined) === wanted;
    }
    const operator = take();
    if (operator === 'BETWEEN') {
      const low = take();
      expect('AND');
      const high = take();
      return (item, placeholders) => {
        const value = valueAt(item, pathOf(first, placeholders));
        const { values } = placeholders;
        return compare(value, '>=', values[low]) && compare(values[high], '>=', value);
      };
    }
    if (operator !== 'IN') {
      const name = take();
      return (item, placeholders) =>
        compare(valueAt(item, pathOf(first, placeholders)), operator, placeholders.values[name]);
    }
    expect('(');
    const names = [take()];
    while (tokens[at] === ',') {
      at += 1;
      names.push(take());
    }
    expect(')');
    return (item, placeholders) => {
      const value = valueAt(item, pathOf(first, placeholders));
      return value !== undefined && names.some((name) => placeholders.values[name] === value);
    };
  }

  function both(): Condition {
    const parts = [single()];
    while (tokens[at] === 'AND') {
      at += 1;
      parts.push(single());
    }
    return (item, placeholders) => parts.every((part) => part(item, placeholders));
  }

  function either(): Condition {
    const parts = [both()];
    while (tokens[at] === 'OR') {
      at += 1;
      parts.push(both());
    }
    return (item, placeholders) => parts.some((part) => part(item, placeholders));
  }

  const whole = either();
  if (at < tokens.length) throw new Error(`"${text}" is not understood here.`);
  return whole;
}

const conditions = new Map<string, Condition>();

export function holds(text: string | undefined, item: Item | undefined, placeholders: Placeholders): boolean {
  if (!text) return true;
  const condition = conditions.get(text) ?? parseCondition(text);
  conditions.set(text, condition);
  return condition(item, placeholders);
}

/**
 * A copy of the item with another value at a path, or with none; what is not on the path is shared.
 * @throws Error where DynamoDB finds the path invalid
 */
function withValue(item: Item, [key = '', ...rest]: readonly string[], value: unknown): Item {
  const inner = item[key];
  if (rest.length > 0 && !isObject(inner)) throw new Error(`The path ${key}.${rest.join('.')} is not valid.`);
  const { [key]: _replaced, ...others } = item;
  if (rest.length > 0 && isObject(inner)) return { ...item, [key]: withValue(inner, rest, value) };
  return value === undefined ? others : { ...item, [key]: value };
}

/** `SET path = value, path = path, path = if_not_exists(path, value), … REMOVE path, …` on a copy of the item. */
export function updated(text: string, item: Item, placeholders: Placeholders): Item {
  let changed = item;
  const [set = '', remove] = text.split(/(?:^| )REMOVE /);
  for (const assignment of set
    .replace(/^SET /, '')
    .split(/, (?![^(]*\))/)
    .filter(Boolean)) {
    const [target = '', operand = ''] = assignment.split(' = ');
    const [, kept, otherwise] = /^if_not_exists\((\S+), (\S+)\)$/.exec(operand) ?? [];
    const standing = valueAt(item, pathOf(kept ?? operand, placeholders));
    const value = standing ?? plain(placeholders.values[otherwise ?? operand.trim()]);
    changed = withValue(changed, pathOf(target.trim(), placeholders), value);
  }
  for (const target of remove?.split(', ') ?? []) {
    changed = withValue(changed, pathOf(target.trim(), placeholders), undefined);
  }
  return changed;
}

/** What DynamoDB makes of a value: no `undefined`, and nothing shared. */
export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const sizes = new WeakMap<object, number>();

/** Bytes of an item, as DynamoDB counts them (Developer Guide, "DynamoDB item sizes and formats"). */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(Math.abs(value)).length / 2) + 1;
  if (!isObject(value)) return 1;
  // Items share what did not change, and none is changed in place.
  const known = sizes.get(value) ?? sizeOfMembers(value);
  sizes.set(value, known);
  return known;
}

function sizeOfMembers(value: Item): number {
  const members: [string, unknown][] = Array.isArray(value)
    ? value.map((member) => ['', member])
    : Object.entries(value);
  return members.reduce((sum, [name, member]) => sum + 1 + Buffer.byteLength(name) + sizeOf(member), 3);
}

/** What an item may have. */
export const maximumItemSize = 400 * 1024;
