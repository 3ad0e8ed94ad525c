/**
 * Finds secrets in texts, however they were written into them: as they are, URL-encoded, as part of JSON (in JSON),
 * in base64 wherever it began, in hexadecimal. A part of sixteen characters is enough: texts are cut short, and a JWT
 * is also its payload alone.
 */
/** A credential or a token that somebody held during the run. */
export interface Secret {
  readonly kind: string;
  readonly value: string;
}

/** Which secret was found, and in which form; never the secret itself. */
export interface Found {
  readonly kind: string;
  readonly form: string;
}

/** Everything that a text holds; of each kind and form one. */
export type Search = (text: string) => Found[];

const width = 16;

const inJson = (value: string): string => JSON.stringify(value).slice(1, -1);

/** What stays the same of a value's base64 whatever stands before and after it, for one of three places to begin. */
function base64At(value: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  return bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
}

function formsOf(value: string): [form: string, text: string][] {
  const base64 = [0, 1, 2].map((offset) => base64At(value, offset));
  return [
    ['plain', value],
    ['URL-encoded', encodeURIComponent(value)],
    ['form-encoded', new URLSearchParams({ value }).toString().slice('value='.length)],
    ['JSON', inJson(value)],
    ['JSON in JSON', inJson(inJson(value))],
    ['JSON in JSON in JSON', inJson(inJson(inJson(value)))],
    ...base64.map((text): [string, string] => ['base64', text]),
    ...base64.map((text): [string, string] => ['base64url', text.replaceAll('+', '-').replaceAll('/', '_')]),
    ['hexadecimal', Buffer.from(value).toString('hex')],
  ];
}

/** Pieces side by side: any part of a text of twice the width contains one of them. */
function piecesOf(text: string): string[] {
  const starts = Array.from({ length: Math.floor(text.length / width) }, (_, index) => index * width);
  return [...starts, text.length - width].map((start) => text.slice(start, start + width));
}

/**
 * Two numbers of so many bits, each soon made of four characters of a piece: most places of a text are seen not to be
 * one by the first, and of the rest most by the second.
 */
const bits = 24;
const factor = 0x9e3779b1;
/** At hand: jest looks up what is global each time anew, which would take most of the time. */
const { imul } = Math;
function firstHash(text: string, at: number): number {
  let hash = imul(text.charCodeAt(at), factor);
  hash = imul(hash ^ text.charCodeAt(at + 5), factor);
  hash = imul(hash ^ text.charCodeAt(at + 10), factor);
  return imul(hash ^ text.charCodeAt(at + 15), factor) >>> (32 - bits);
}
function secondHash(text: string, at: number): number {
  let hash = imul(text.charCodeAt(at + 2), factor);
  hash = imul(hash ^ text.charCodeAt(at + 7), factor);
  hash = imul(hash ^ text.charCodeAt(at + 8), factor);
  return imul(hash ^ text.charCodeAt(at + 13), factor) >>> (32 - bits);
}

/** @throws Error for a secret that is so short that it could stand anywhere by chance */
export function searchFor(secrets: Iterable<Secret>): Search {
  const pieces = new Map<string, Found>();
  const mayBeFirst = new Uint8Array(2 ** bits);
  const mayBeSecond = new Uint8Array(2 ** bits);
  for (const { kind, value } of secrets) {
    if (value.length < width) throw new Error(`A secret (${kind}) has only ${value.length} characters.`);
    for (const [form, text] of formsOf(value)) {
      for (const piece of piecesOf(text)) {
        if (!pieces.has(piece)) pieces.set(piece, { kind, form });
        mayBeFirst[firstHash(piece, 0)] = 1;
        mayBeSecond[secondHash(piece, 0)] = 1;
      }
    }
  }
  return (text) => {
    const found = new Map<string, Found>();
    for (let at = 0; at + width <= text.length; at += 1) {
      if (mayBeFirst[firstHash(text, at)] !== 1) continue;
      if (mayBeSecond[secondHash(text, at)] !== 1) continue;
      const hit = pieces.get(text.slice(at, at + width));
      if (hit) found.set(`${hit.kind} ${hit.form}`, hit);
    }
    return [...found.values()];
  };
}

/** Headers that carry a credential, whatever it is. */
const headers =
  /\bAWS4-HMAC-SHA256 Credential=|\bauthorization\W{1,6}(bearer|basic|aws4)\b|\bbearer [\w.-]{16,}/i;

/** The same search, which also finds any authorisation header. */
export function withHeaders(search: Search): Search {
  return (text) => [
    ...search(text),
    ...(headers.test(text) ? [{ kind: 'an authorisation header', form: 'plain' }] : []),
  ];
}
