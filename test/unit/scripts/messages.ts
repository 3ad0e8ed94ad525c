/** The messages of the code, as it writes them: literals and templates, with holes where values go. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';
import { projectRoot } from '../../../local/environment/paths.ts';
import { projectFile } from '../../bundle.ts';

export interface Message {
  readonly file: string;
  /** What stands between the holes; a literal has one part. */
  readonly fixed: readonly string[];
}

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;
const members = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);
const stringOf = (value: unknown): string => (typeof value === 'string' ? value : '');

interface Text {
  readonly fixed: readonly string[];
  /** Expressions whose values go into the holes. */
  readonly holes: readonly unknown[];
}

const holeFor = (node: unknown): Text => ({ fixed: ['', ''], holes: [node] });

/** Undefined for an expression that is no text. */
function textIn(node: unknown): Text | undefined {
  if (!isNode(node)) return undefined;
  switch (node['type']) {
    case 'StringLiteral':
      return { fixed: [stringOf(node['value'])], holes: [] };
    case 'TemplateLiteral':
      return {
        fixed: members(node['quasis']).map(({ cooked }) => stringOf(cooked)),
        holes: members(node['expressions']),
      };
    case 'ParenthesisExpression':
      return textIn(node['expression']);
    case 'BinaryExpression': {
      const [left, right] = [textIn(node['left']), textIn(node['right'])];
      if (node['operator'] !== '+' || !(left ?? right)) return undefined;
      return joined(left ?? holeFor(node['left']), right ?? holeFor(node['right']));
    }
    default:
      return undefined;
  }
}

/** Joins two texts: the last fixed part of one and the first of the other become one. */
const joined = (left: Text, right: Text): Text => ({
  fixed: [
    ...left.fixed.slice(0, -1),
    `${left.fixed.at(-1) ?? ''}${right.fixed[0] ?? ''}`,
    ...right.fixed.slice(1),
  ],
  holes: [...left.holes, ...right.holes],
});

function messagesIn(node: unknown, file: string): Message[] {
  if (Array.isArray(node)) return node.flatMap((each) => messagesIn(each, file));
  if (!isNode(node)) return [];
  const text = textIn(node);
  const inner = (text?.holes ?? Object.values(node)).flatMap((each) => messagesIn(each, file));
  return text ? [{ file, fixed: text.fixed }, ...inner] : inner;
}

export const messagesOf = (source: string, file: string): Message[] =>
  messagesIn(parseSync(source, { syntax: 'typescript' }).body, file);

/** All messages in the code of some folders. */
export const messagesBelow = (folders: readonly string[]): Message[] =>
  folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => messagesOf(projectFile(join(folder, name)), join(folder, name))),
  );

/** A hole's value that no code has to say: an id, a name, a number, or a list of these. */
const isPlain = (value: string): boolean => /^[^\s,]*(, [^\s,]+)*$/.test(value);

/**
 * Finds the messages that a text can come from: their fixed parts occur in it in their order, from its begin to its
 * end, and each value between them is plain or can come from a message itself.
 */
export function finder(all: readonly Message[]): (text: string) => Message[] {
  const hasWords = ({ fixed }: Message) => /[A-Za-z]{3}/.test(fixed.join(' '));
  const messages = all.filter(hasWords);
  /** Sentences put together; they fit only sentences that the code says, or they would fit anything. */
  const joins = all.filter((each) => !hasWords(each) && each.fixed.some((part) => part.includes(' ')));
  const known = new Map<string, boolean>();

  const isMessage = (value: string): boolean => {
    const before = known.get(value);
    if (before !== undefined) return before;
    known.set(value, false);
    const said = messages.some(({ fixed }) => fits(fixed, value, isValue));
    known.set(value, said);
    return said;
  };
  const isValue = (value: string): boolean =>
    isPlain(value) || isMessage(value) || joins.some(({ fixed }) => fits(fixed, value, isMessage));

  type Allows = (value: string) => boolean;
  const fits = (fixed: readonly string[], text: string, allows: Allows): boolean => {
    // Quick to see of most.
    if (!fixed.every((part) => text.includes(part))) return false;
    const [first = '', ...rest] = fixed;
    if (!text.startsWith(first)) return false;
    return rest.length === 0 ? text === first : fitsAfterHole(rest, text.slice(first.length), allows);
  };

  /** The text after a fixed part: a value, and then the next part somewhere. */
  const fitsAfterHole = ([next = '', ...rest]: readonly string[], text: string, allows: Allows): boolean => {
    if (rest.length === 0) {
      return text.endsWith(next) && allows(text.slice(0, text.length - next.length));
    }
    for (let at = text.indexOf(next); at >= 0 && at < text.length; at = text.indexOf(next, at + 1)) {
      if (allows(text.slice(0, at)) && fitsAfterHole(rest, text.slice(at + next.length), allows)) return true;
    }
    return false;
  };

  return (text) => [
    ...messages.filter(({ fixed }) => fits(fixed, text, isValue)),
    ...joins.filter(({ fixed }) => fits(fixed, text, isMessage)),
  ];
}
